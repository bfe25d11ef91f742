import { getRouteApi, Link } from "@tanstack/react-router";
import { ArrowUpRight, BookOpen, Gauge, type LucideIcon, Package, Users } from "lucide-react";

import { useEnvironment } from "@/api/environment";
import { cn } from "@/ui/cn";

import { EnvironmentSwitch } from "./environment-switch";
import { Logo } from "./logo";
import { MemberMenu } from "./member-menu";

const shell = getRouteApi("/shell");

const PAGES = [
  { to: "/$env/customers", label: "Customers", icon: Users },
  { to: "/$env/products", label: "Products", icon: Package },
  { to: "/$env/features", label: "Features", icon: Gauge },
] as const;

const ENTRY =
  "flex h-8 items-center gap-2.5 rounded-md px-2 text-soft transition-colors hover:bg-ink/5 hover:text-ink [&_svg]:size-4 [&_svg]:text-muted";

type SidebarProps = {
  className?: string;
  onNavigate?: () => void;
};

/** The organization, the environments, the pages, and oneself. */
export function Sidebar({ className, onNavigate }: SidebarProps) {
  const { session } = shell.useRouteContext();
  const environment = useEnvironment();
  return (
    <aside className={cn("flex shrink-0 flex-col gap-4 px-3 py-4", className)}>
      <div className="flex items-center gap-2.5 px-1.5">
        <Logo className="size-6.5" />
        <span
          dir="auto"
          title={session.organization.name}
          className="min-w-0 truncate text-sm font-semibold tracking-tight"
        >
          {session.organization.name}
        </span>
      </div>
      <EnvironmentSwitch />
      <nav aria-label="Pages" className="grid gap-0.5">
        {PAGES.map(({ to, label, icon: Icon }) => (
          <Link
            key={to}
            to={to}
            params={{ env: environment }}
            className={ENTRY}
            activeProps={{ className: "bg-ink/6 text-ink! font-medium [&_svg]:text-accent!" }}
            activeOptions={{ includeSearch: false }}
            {...(onNavigate ? { onClick: onNavigate } : {})}
          >
            <Icon aria-hidden /> {label}
          </Link>
        ))}
      </nav>
      <div className="mt-auto grid gap-0.5">
        <Outside href="/docs" icon={BookOpen} label="API reference" />
        <MemberMenu member={session.member} />
      </div>
    </aside>
  );
}

/** A page of the server that is not part of the dashboard. */
function Outside({ href, icon: Icon, label }: { href: string; icon: LucideIcon; label: string }) {
  return (
    <a href={href} target="_blank" rel="noreferrer" className={cn(ENTRY, "group")}>
      <Icon aria-hidden /> {label}
      <ArrowUpRight aria-hidden className="ml-auto size-3.5! opacity-0 group-hover:opacity-100" />
    </a>
  );
}
