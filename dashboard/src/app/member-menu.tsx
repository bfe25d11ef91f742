import { useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { ChevronsUpDown, LogOut, Monitor, Moon, Sun } from "lucide-react";
import { toast } from "sonner";

import { sessionQuery, useSignOut } from "@/api/session";
import type { Session } from "@/api/types";
import { sentenceCase } from "@/ui/format";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLine } from "@/ui/menu";

import { setTheme, type Theme, THEMES, useTheme } from "./theme";

const ICONS = { light: Sun, dark: Moon, system: Monitor } satisfies Record<Theme, unknown>;

/** Who is signed in, how the dashboard looks, and the way out. */
export function MemberMenu({ member }: { member: Session["member"] }) {
  const theme = useTheme();
  const queryClient = useQueryClient();
  const router = useRouter();
  const signOut = useSignOut();
  const leave = () => {
    signOut.mutate(undefined, {
      onSuccess: () => {
        queryClient.removeQueries({ queryKey: sessionQuery.queryKey });
        void router.navigate({ to: "/sign-in" });
      },
      onError: (error) => toast.error(error.message),
    });
  };
  const name = member.name ?? member.email;
  return (
    <Menu
      side="top"
      trigger={
        <button
          type="button"
          className="flex h-11 w-full items-center gap-2.5 rounded-md px-1.5 text-left transition-colors hover:bg-ink/5 data-[state=open]:bg-ink/5"
        >
          <span
            aria-hidden
            className="grid size-7 shrink-0 place-items-center rounded-full bg-accent-wash text-xs font-semibold text-accent uppercase"
          >
            {String.fromCodePoint(name.codePointAt(0) ?? 0x3f)}
          </span>
          <span className="grid min-w-0 flex-1">
            <span dir="auto" className="truncate leading-4 font-medium">
              {name}
            </span>
            <span className="truncate text-2xs text-muted">{sentenceCase(member.role)}</span>
          </span>
          <ChevronsUpDown aria-hidden className="size-3.5 text-muted" />
        </button>
      }
    >
      <MenuLabel>{member.email}</MenuLabel>
      <MenuLine />
      <MenuLabel>Theme</MenuLabel>
      <MenuChoice
        value={theme}
        options={THEMES.map((each) => {
          const Icon = ICONS[each];
          return {
            value: each,
            label: (
              <>
                <Icon aria-hidden /> {sentenceCase(each)}
              </>
            ),
          };
        })}
        onChange={setTheme}
      />
      <MenuLine />
      <MenuItem onSelect={leave}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
