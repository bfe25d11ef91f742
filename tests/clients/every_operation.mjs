// Calls every operation that the published JavaScript client has and the server serves; prints what came of it as JSON.
// The client is the one installed beside examples/quickstart_node; its strict models parse each answer.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [quickstart, url, secretKey] = process.argv.slice(2);
const { Autumn } = createRequire(pathToFileURL(`${quickstart}/main.js`))("autumn-js");
const client = new Autumn({ secretKey, serverURL: url, failOpen: false });
const seen = {};

async function bank(operation, body) {
  const answer = await fetch(`${url}/v1/${operation}`, {
    method: "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

async function statusOf(call) {
  try {
    await call();
    return 200;
  } catch (error) {
    return error.statusCode ?? error.httpMeta?.response?.status ?? String(error);
  }
}

// features
await client.features.create({
  featureId: "messages",
  name: "Messages",
  type: "metered",
  consumable: true,
  eventNames: ["message_sent"],
  display: { singular: "message", plural: "messages" },
});
await client.features.create({ featureId: "seats", name: "Seats", type: "metered", consumable: false });
await client.features.create({ featureId: "sso", name: "Single sign-on", type: "boolean" });
await client.features.create({
  featureId: "credits",
  name: "Credits",
  type: "credit_system",
  creditSchema: [{ meteredFeatureId: "messages", creditCost: 0.2 }],
});
await client.features.create({ featureId: "gone", name: "Gone", type: "boolean" });
seen.deletedFeature = (await client.features.delete({ featureId: "gone" })).success;
seen.features = (await client.features.list()).list.map((feature) => feature.id).sort();
seen.credits = (await client.features.get({ featureId: "credits" })).creditSchema[0].creditCost;
seen.renamedFeature = (await client.features.update({ featureId: "seats", name: "Seat" })).name;

// plans
await client.plans.create({
  planId: "free",
  name: "Free",
  autoEnable: true,
  items: [{ featureId: "messages", included: 50, reset: { interval: "month" } }],
});
await client.plans.create({
  planId: "pro",
  name: "Pro",
  price: { amount: 20, interval: "month" },
  items: [
    {
      featureId: "messages",
      included: 1000,
      reset: { interval: "month" },
      price: { amount: 0.01, interval: "month", billingMethod: "usage_based" },
    },
    {
      featureId: "seats",
      included: 2,
      price: { amount: 8, interval: "month", billingMethod: "prepaid" },
      proration: { onIncrease: "prorate_immediately", onDecrease: "none" },
    },
    { featureId: "sso" },
  ],
});
await client.plans.create({
  planId: "tiered",
  name: "Tiered",
  items: [
    {
      featureId: "seats",
      reset: { interval: "month" },
      price: {
        tiers: [
          { to: 500, amount: 10 },
          { to: "inf", amount: 5 },
        ],
        interval: "month",
        billingMethod: "prepaid",
        billingUnits: 100,
      },
    },
  ],
});
seen.tiers = (await client.plans.get({ planId: "tiered" })).items[0].price.tiers.map((tier) => [tier.to, tier.amount]);
seen.deletedPlan = (await client.plans.delete({ planId: "tiered" })).success;
await client.plans.create({
  planId: "pack",
  name: "Pack",
  addOn: true,
  price: { amount: 10, interval: "one_off" },
  items: [{ featureId: "credits", included: 100 }],
});
seen.plans = (await client.plans.list()).list.map((plan) => plan.id).sort();
seen.renamedPlan = (await client.plans.update({ planId: "pro", name: "Professional" })).name;

// customers and billing
const customerId = "ada";
const created = await client.customers.getOrCreate({ customerId, name: "Ada", email: "ada@lumen.test" });
seen.startsOn = created.subscriptions.map((each) => each.planId);
seen.actions = Object.fromEntries(
  (await client.plans.list({ customerId })).list.map((plan) => [plan.id, plan.customerEligibility.attachAction]),
);
const featureQuantities = [{ featureId: "seats", quantity: 3 }];
seen.preview = (await client.billing.previewAttach({ customerId, planId: "pro", featureQuantities })).total;
const attached = await client.billing.attach({ customerId, planId: "pro", featureQuantities });
await bank("sandbox.complete_checkout", { url: attached.paymentUrl });
const customer = await client.customers.get({
  customerId,
  expand: [
    "invoices",
    "trials_used",
    "rewards",
    "entities",
    "referrals",
    "payment_method",
    "subscriptions.plan",
    "purchases.plan",
    "balances.feature",
    "flags.feature",
  ],
});
seen.holds = customer.subscriptions.map((each) => [each.planId, each.status, each.plan.name]);
seen.flags = Object.keys(customer.flags);
seen.bought = (await client.billing.attach({ customerId, planId: "pack" })).invoice.status;

// balances, events, invoices
seen.mayMessage = (await client.check({ customerId, featureId: "messages" })).allowed;
seen.maySignOn = (await client.check({ customerId, featureId: "sso" })).flag.planId;
seen.counted = (await client.check({ customerId, featureId: "seats", requiredBalance: 2, sendEvent: true })).allowed;
seen.tracked = (await client.track({ customerId, featureId: "messages", value: 1199.5 })).value;
await client.track({ customerId, eventName: "message_sent", value: 0.5 });
const lock = { enabled: true, lockId: "job", overageBehavior: "cap" };
seen.held = (await client.check({ customerId, featureId: "messages", requiredBalance: 20, lock })).allowed;
seen.finalized = [
  (await client.balances.finalize({ lockId: "job", action: "confirm", overrideValue: 0 })).success,
  (await client.balances.finalize({ lockId: "job", action: "release" })).success,
];
const gift = { customerId, featureId: "messages", balanceId: "gift" };
seen.byHand = [
  (await client.balances.create({ ...gift, includedGrant: 10 })).success,
  (await client.balances.update({ ...gift, remaining: 5 })).success,
  (await client.customers.get({ customerId, expand: ["invoice_previews"] })).invoicePreviews.map((each) => each.total),
  (await client.balances.delete(gift)).success,
];
seen.events = (await client.events.list({ customerId })).list.map((event) => event.value).sort((a, b) => a - b);
const pieces = [
  { customerId, featureId: "messages", value: 0.25 },
  { customerId, eventName: "message_sent", value: 0.25 },
];
seen.batch = (await client.batchTrack(pieces)).success;
await client.features.create({
  featureId: "tokens",
  name: "Tokens",
  type: "ai_credit_system",
  defaultMarkup: 20,
  providerMarkups: { acme: { markup: 100 } },
  modelMarkups: { "acme/large": { inputCost: 3, outputCost: 15 } },
});
await client.balances.create({ customerId, featureId: "tokens", includedGrant: 10 });
const spent = await client.trackTokens({ customerId, modelId: "acme/large", inputTokens: 1000, outputTokens: 500 });
seen.tokens = [spent.value, spent.balance.remaining];
const usage = await client.events.aggregate({ customerId, featureId: "messages", range: "24h", groupBy: "$customer_id" });
seen.usage = [usage.total.messages.count, usage.total.messages.sum, usage.list.at(-1).groupedValues.messages[customerId]];
const period = customer.subscriptions[0];
const moved = await client.customers.advanceTestClock({ customerId, frozenTime: period.currentPeriodEnd });
seen.clock = [moved.status, moved.frozenTime === period.currentPeriodEnd];
const invoice = (await client.invoices.list({ customerId })).list[0];
seen.creditsLeft = (await client.customers.get({ customerId })).balances.credits.remaining;
seen.invoice = [invoice.total, invoice.status, invoice.currency];

// changes
seen.portal = (await client.billing.openCustomerPortal({ customerId, returnUrl: "https://app.lumen.test/" })).url.startsWith(
  `${url}/portal/`,
);
const cancelled = await client.billing.update({ customerId, planId: "pro", cancelAction: "cancel_end_of_cycle" });
seen.cancelled = cancelled.paymentUrl;
await client.billing.update({ customerId, planId: "pro", cancelAction: "uncancel" });
const scheduled = await client.billing.createSchedule({
  customerId,
  phases: [
    { startsAt: "now", plans: [{ planId: "pro" }] },
    { startingAfter: { durationType: "month", durationCount: 2 }, plans: [{ planId: "free" }] },
  ],
});
seen.scheduled = [scheduled.status, scheduled.phases.map((phase) => phase.customerProductIds.length)];
const page = await client.billing.setupPayment({ customerId, successUrl: "https://app.lumen.test/" });
seen.setup = page.customerId;
await bank("sandbox.complete_checkout", { url: page.url });
const plans = [{ planId: "pack" }, { planId: "pack" }];
seen.together = [
  (await client.billing.previewMultiAttach({ customerId, plans })).total,
  (await client.billing.multiAttach({ customerId, plans })).invoice.status,
];
const updates = [{ planId: "pro", cancelAction: "cancel_immediately", prorationBehavior: "none" }];
seen.endedTogether = [
  (await client.billing.previewMultiUpdate({ customerId, updates })).total,
  (await client.billing.multiUpdate({ customerId, updates })).paymentUrl,
];
await client.billing.attach({ customerId, planId: "pro" });
seen.renamed = (await client.customers.update({ customerId, name: "Ada L.", metadata: { tier: "gold" } })).name;
seen.listed = (await client.customers.list({ search: "ada" })).list.map((each) => each.id);

// refusals
seen.refusals = [
  await statusOf(() => client.customers.get({ customerId: "ghost" })),
  await statusOf(() => client.check({ customerId: "ghost", featureId: "messages" })),
  await statusOf(() => client.billing.attach({ customerId, planId: "pro" })),
];
seen.deleted = (await client.customers.delete({ customerId })).success;

console.log(JSON.stringify(seen));
