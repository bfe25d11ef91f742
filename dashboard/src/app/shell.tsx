import { getRouteApi, Outlet } from "@tanstack/react-router";
import { Menu as MenuIcon } from "lucide-react";
import { useEffect, useState } from "react";

import { type Environment, EnvironmentProvider } from "@/api/environment";
import { Button } from "@/ui/button";
import { Drawer } from "@/ui/drawer";
import { useBelow } from "@/ui/media";

import { Logo } from "./logo";
import { Sidebar } from "./sidebar";

const route = getRouteApi("/shell/$env");

/** What surrounds every page: the way to other pages, and which environment this is. */
export function Shell() {
  const environment = route.useParams().env as Environment;
  const narrow = useBelow("lg");
  const [open, setOpen] = useState(false);
  useEffect(() => {
    // The tab's sign tells the environments apart, too.
    const sign = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (sign !== null) sign.href = environment === "sandbox" ? "/favicon-sandbox.svg" : "/favicon.svg";
  }, [environment]);
  return (
    <EnvironmentProvider value={environment}>
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-raised focus:px-3 focus:py-1.5"
      >
        Skip to content
      </a>
      {environment === "sandbox" && (
        <section
          aria-label="Sandbox"
          className="sticky top-0 z-30 flex h-7 items-center justify-center gap-2 border-b border-sandbox/30 bg-sandbox-wash px-4 text-xs text-sandbox-ink"
        >
          <span aria-hidden className="size-1.5 rounded-full bg-sandbox" />
          <span className="truncate">
            <strong className="font-semibold">Sandbox</strong> · test data, no real money
          </span>
        </section>
      )}
      <div className="flex">
        {narrow ? (
          <Drawer open={open} onOpenChange={setOpen} title="Navigation">
            <Sidebar
              className="h-full"
              onNavigate={() => {
                setOpen(false);
              }}
            />
          </Drawer>
        ) : (
          <Sidebar
            className={
              environment === "sandbox" ? "sticky top-7 h-[calc(100dvh-1.75rem)] w-56" : "sticky top-0 h-dvh w-56"
            }
          />
        )}
        <div className="min-w-0 flex-1">
          {narrow && (
            <header className="flex h-12 items-center gap-2 border-b px-3">
              <Button
                look="quiet"
                size="icon"
                aria-label="Open navigation"
                onClick={() => {
                  setOpen(true);
                }}
              >
                <MenuIcon aria-hidden className="size-4!" />
              </Button>
              <Logo className="size-5" />
              <span className="font-semibold">Sumac</span>
            </header>
          )}
          <main id="content">
            <Outlet />
          </main>
        </div>
      </div>
    </EnvironmentProvider>
  );
}
