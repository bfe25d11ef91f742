import { ArrowDownUp } from "lucide-react";

import { usePlans } from "@/api/catalog";
import { Button } from "@/ui/button";
import { Filter } from "@/ui/filter";
import { SearchField } from "@/ui/search-field";

import type { changeListing, ListAddress } from "./list-address";

const STATUSES = [
  { value: "active", label: "Active" },
  { value: "scheduled", label: "Scheduled" },
];

type ListToolbarProps = {
  address: ListAddress;
  onChange: (change: Parameters<typeof changeListing>[1]) => void;
};

/** Search, filters and order of the customers list. */
export function ListToolbar({ address, onChange }: ListToolbarProps) {
  const plans = usePlans();
  const oldestFirst = address.sort === "oldest";
  return (
    <div role="search" className="mb-3 flex flex-wrap items-center gap-2">
      <SearchField
        value={address.q ?? ""}
        placeholder="Search by name, email or ID"
        onChange={(text) => {
          onChange({ q: text });
        }}
      />
      <div className="flex min-w-0 flex-wrap items-center gap-2 max-md:w-full">
        <Filter
          label="Product"
          value={address.plan}
          options={(plans.data ?? []).map((plan) => ({ value: plan.id, label: plan.name }))}
          onChange={(plan) => {
            onChange({ plan });
          }}
        />
        <Filter
          label="Status"
          value={address.status}
          options={STATUSES}
          onChange={(status) => {
            onChange({ status: status === "active" || status === "scheduled" ? status : undefined });
          }}
        />
        <Button
          aria-label={oldestFirst ? "Oldest first; show newest first" : "Newest first; show oldest first"}
          onClick={() => {
            onChange({ sort: oldestFirst ? undefined : "oldest" });
          }}
        >
          <ArrowDownUp aria-hidden className="text-muted" />
          {oldestFirst ? "Oldest" : "Newest"}
        </Button>
      </div>
    </div>
  );
}
