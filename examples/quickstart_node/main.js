// A customer's first month on Sumac, with the published client: npm start.

import { Autumn } from "autumn-js";

const url = process.env.SUMAC_URL ?? "http://127.0.0.1:8000";
const secretKey = process.env.SUMAC_SECRET_KEY;
const customerId = "acme";
const client = new Autumn({ secretKey, serverURL: url, failOpen: false });

// Four features of every kind, a free plan that starts by itself, and Pro at $20 a month.
async function createCatalog() {
  await client.features.create({ featureId: "sso", name: "Single sign-on", type: "boolean" });
  await client.features.create({ featureId: "messages", name: "Messages", type: "metered", consumable: true });
  await client.features.create({ featureId: "seats", name: "Seats", type: "metered", consumable: false });
  await client.features.create({
    featureId: "credits",
    name: "Credits",
    type: "credit_system",
    creditSchema: [{ meteredFeatureId: "messages", creditCost: 0.2 }],
  });
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
      { featureId: "seats", included: 3 },
      { featureId: "sso" },
    ],
  });
}

// Pays a hosted checkout as the customer would in a browser; only a sandbox can.
async function pay(paymentUrl) {
  const answer = await fetch(`${url}/v1/sandbox.complete_checkout`, {
    method: "POST",
    headers: { authorization: `Bearer ${secretKey}`, "content-type": "application/json" },
    body: JSON.stringify({ url: paymentUrl, number: "4242 4242 4242 4242" }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

await createCatalog();

const customer = await client.customers.getOrCreate({ customerId, name: "Acme", email: "billing@acme.example" });
console.log("starts on:", customer.subscriptions[0].planId);

const attached = await client.billing.attach({ customerId, planId: "pro" });
console.log("to be paid at:", attached.paymentUrl);
await pay(attached.paymentUrl);

const subscription = (await client.customers.get({ customerId })).subscriptions[0];
console.log("now on:", subscription.planId, subscription.status);

console.log("may send a message:", (await client.check({ customerId, featureId: "messages" })).allowed);
await client.track({ customerId, featureId: "messages", value: 1200 });

await client.customers.advanceTestClock({ customerId, frozenTime: subscription.currentPeriodEnd });
const invoice = (await client.invoices.list({ customerId })).list[0];
console.log(`second invoice: ${invoice.total.toFixed(2)} ${invoice.currency}, ${invoice.status}`);
process.exitCode = invoice.total === 22 && invoice.status === "paid" ? 0 : 1;
