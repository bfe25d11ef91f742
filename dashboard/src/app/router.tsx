import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  notFound,
  Outlet,
  redirect,
} from "@tanstack/react-router";

import { isSignedOut } from "@/api/client";
import { isEnvironment } from "@/api/environment";
import { sessionQuery } from "@/api/session";
import { FeaturesPage } from "@/features/catalog/features-page";
import { ProductsPage } from "@/features/catalog/products-page";
import { CustomersPage } from "@/features/customers/customers-page";
import { readListAddress } from "@/features/customers/list-address";

import { parseSearch, readLink, readNext, stringifySearch } from "./address";
import { CustomerPage } from "./customer-page";
import { readCustomerAddress } from "./customer-address";
import { Crash, NotFound, Opening } from "./full-screen";
import { recalledEnvironment, recallEnvironment } from "./recall";
import { Shell } from "./shell";
import { SignIn } from "./sign-in";

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({ component: Outlet });

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (raw: Record<string, unknown>): { next?: string | undefined } => ({ next: readNext(raw.next) }),
  component: SignIn,
  beforeLoad: ({ context, search, location }) => {
    // A one-time link may be for somebody else than who is signed in now.
    const signedIn = context.queryClient.getQueryData(sessionQuery.queryKey) !== undefined;
    if (signedIn && readLink(location.hash) === undefined) throw redirect({ href: search.next ?? "/" });
  },
});

/** Everything that only members see. */
const shell = createRoute({
  getParentRoute: () => root,
  id: "shell",
  component: Outlet,
  beforeLoad: async ({ context, location }) => {
    try {
      const session = await context.queryClient.query({ ...sessionQuery, staleTime: "static" });
      return { session };
    } catch (error) {
      if (isSignedOut(error)) throw redirect({ to: "/sign-in", search: { next: readNext(location.href) } });
      throw error;
    }
  },
});

const home = createRoute({
  getParentRoute: () => shell,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/$env/customers", params: { env: recalledEnvironment() }, replace: true });
  },
});

const environment = createRoute({
  getParentRoute: () => shell,
  path: "$env",
  component: Shell,
  beforeLoad: ({ params }) => {
    if (!isEnvironment(params.env)) throw notFound({ routeId: root.id });
    recallEnvironment(params.env);
  },
});

const environmentHome = createRoute({
  getParentRoute: () => environment,
  path: "/",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/$env/customers", params, replace: true });
  },
});

const customers = createRoute({
  getParentRoute: () => environment,
  path: "customers",
  validateSearch: readListAddress,
  component: CustomersPage,
});

const customer = createRoute({
  getParentRoute: () => environment,
  path: "customers/$customerId",
  validateSearch: readCustomerAddress,
  component: CustomerPage,
});

const products = createRoute({ getParentRoute: () => environment, path: "products", component: ProductsPage });

const features = createRoute({ getParentRoute: () => environment, path: "features", component: FeaturesPage });

const routeTree = root.addChildren([
  signIn,
  shell.addChildren([home, environment.addChildren([environmentHome, customers, customer, products, features])]),
]);

export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    parseSearch,
    stringifySearch,
    scrollRestoration: true,
    defaultPendingComponent: Opening,
    defaultErrorComponent: Crash,
    defaultNotFoundComponent: NotFound,
  });
}

declare module "@tanstack/react-router" {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- merges with the library's own
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
}
