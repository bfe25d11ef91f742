import "@/ui/tokens.css";

import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { toast } from "sonner";

import { createQueryClient } from "@/api/query-client";
import { sessionQuery } from "@/api/session";
import { HintProvider } from "@/ui/hint";
import { NowProvider } from "@/ui/now";
import { Toaster } from "@/ui/toaster";

import { readNext } from "./address";
import { createAppRouter } from "./router";

const queryClient = createQueryClient({
  onSignedOut: () => {
    if (router.state.location.pathname === "/sign-in") return;
    const next = readNext(router.state.location.href);
    queryClient.removeQueries({ queryKey: sessionQuery.queryKey });
    void router.navigate({ to: "/sign-in", search: { next } });
  },
  onStale: (error) => {
    // One message, however many parts of the page it concerns.
    toast.error("What you see could not be refreshed", { id: "stale", description: error.message });
  },
});

const router = createAppRouter(queryClient);

const place = document.getElementById("root");
if (place === null) throw new Error("index.html has no #root");

createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queryClient}>
      <HintProvider delayDuration={250}>
        <NowProvider>
          <RouterProvider router={router} />
        </NowProvider>
        <Toaster />
      </HintProvider>
    </QueryClientProvider>
  </StrictMode>,
);
