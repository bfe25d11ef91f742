import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { UserRoundX } from "lucide-react";

import { isNotFound } from "@/api/client";
import { customerKey, useCustomer, useListedCustomer } from "@/api/customers";
import { useEnvironment } from "@/api/environment";
import type { Customer } from "@/api/types";
import { BalancesSection } from "@/features/balances/balances-section";
import { BillingCard } from "@/features/billing/billing-card";
import { ProductsSection } from "@/features/billing/products-section";
import { customerTitle } from "@/features/customers/customer-link";
import { CustomerHeader } from "@/features/customers/customer-header";
import { CustomerSkeleton } from "@/features/customers/customer-skeleton";
import { DetailsCard } from "@/features/customers/details-card";
import { EventsSection } from "@/features/events/events-section";
import { InvoicesSection } from "@/features/invoices/invoices-section";
import { Button } from "@/ui/button";
import { Freshness } from "@/ui/freshness";
import { Nothing, Trouble } from "@/ui/notice";
import { NowProvider } from "@/ui/now";
import { readPaging, writePaging } from "@/ui/paging";
import { useTitle } from "@/ui/title";

const route = getRouteApi("/shell/$env/customers/$customerId");

/** Everything about one customer. */
export function CustomerPage() {
  const { customerId } = route.useParams();
  const environment = useEnvironment();
  const queryClient = useQueryClient();
  const customer = useCustomer(customerId);
  const listed = useListedCustomer(customerId);
  useTitle(
    customer.data ? customerTitle(customer.data) : isNotFound(customer.error) ? "Customer not found" : "Customer",
  );

  if (customer.isError && isNotFound(customer.error)) return <Missing customerId={customerId} />;
  if (customer.isError && !customer.data) {
    return (
      <Trouble
        title="The customer could not be loaded"
        error={customer.error}
        onRetry={() => void customer.refetch()}
        className="min-h-[60dvh] justify-center"
      />
    );
  }
  if (customer.isPending) return <CustomerSkeleton listed={listed} />;
  return (
    <NowProvider frozenAt={customer.data.clock_at}>
      <div className="mx-auto max-w-6xl px-4 py-6 md:px-8">
        <CustomerHeader
          customer={customer.data}
          actions={
            <Freshness
              updatedAt={customer.dataUpdatedAt}
              busy={customer.isFetching}
              onRefresh={() => void queryClient.invalidateQueries({ queryKey: customerKey(environment, customerId) })}
            />
          }
        />
        <Sections key={customerId} customerId={customerId} customer={customer.data} />
      </div>
    </NowProvider>
  );
}

function Sections({ customerId, customer }: { customerId: string; customer: Customer }) {
  const address = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_18rem]">
      <div className="grid min-w-0 gap-4">
        <ProductsSection customerId={customerId} customer={customer} />
        <BalancesSection customer={customer} />
        <InvoicesSection
          customerId={customerId}
          paging={readPaging(address.page, address.at)}
          onTurn={(paging) =>
            void navigate({ search: (before) => ({ ...before, ...writePaging(paging) }), resetScroll: false })
          }
        />
        <EventsSection
          customerId={customerId}
          featureId={address.feature}
          onFeature={(feature) =>
            void navigate({ search: (before) => ({ ...before, feature }), replace: true, resetScroll: false })
          }
        />
      </div>
      <aside
        aria-label="About this customer"
        className="grid min-w-0 items-start gap-4 max-lg:order-first max-lg:grid-cols-1 sm:max-lg:grid-cols-2"
      >
        <DetailsCard customer={customer} />
        <BillingCard customer={customer} />
      </aside>
    </div>
  );
}

function Missing({ customerId }: { customerId: string }) {
  const environment = useEnvironment();
  return (
    <Nothing
      icon={<UserRoundX aria-hidden />}
      title="Customer not found"
      action={
        <Button asChild>
          <Link to="/$env/customers" params={{ env: environment }}>
            Back to customers
          </Link>
        </Button>
      }
      className="min-h-[60dvh] justify-center"
    >
      There is no customer <code className="font-mono text-xs break-all text-ink">{customerId}</code> in the{" "}
      {environment} environment.
    </Nothing>
  );
}
