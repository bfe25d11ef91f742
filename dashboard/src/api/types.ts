import type { components } from "./schema";

type Schemas = components["schemas"];

export type Session = Schemas["SessionBody"];
export type Customer = Schemas["CustomerBody"];
export type Subscription = Schemas["SubscriptionBody"];
export type Purchase = Schemas["PurchaseBody"];
export type Plan = Schemas["PlanBody"];
export type PlanItem = Schemas["PlanItemBody"];
export type Feature = Schemas["FeatureBody"];
export type Balance = Schemas["BalanceBody"];
export type BalanceSource = Schemas["BreakdownBody"];
export type Flag = Schemas["FlagBody"];
export type Invoice = Schemas["ListedInvoiceBody"];
export type UsageEvent = Schemas["EventBody"];
