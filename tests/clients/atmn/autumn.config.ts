import { billingControls, feature, item, plan, reward } from 'atmn';

export const messages = feature({
	id: 'messages',
	name: 'Messages',
	type: 'metered',
	consumable: true,
	eventNames: ['message_sent'],
});

export const storage = feature({ id: 'storage', name: 'Storage', type: 'metered', consumable: true });

export const seats = feature({ id: 'seats', name: 'Seats', type: 'metered', consumable: false });

export const workspaces = feature({ id: 'workspaces', name: 'Workspaces', type: 'metered', consumable: false });

export const sso = feature({ id: 'sso', name: 'Single sign-on', type: 'boolean' });

export const credits = feature({
	id: 'credits',
	name: 'Credits',
	type: 'credit_system',
	creditSchema: [
		{ meteredFeatureId: messages.id, creditCost: 0.2 },
		{ meteredFeatureId: storage.id, creditCost: 3 },
	],
});

export const aiCredits = feature({
	id: 'ai_credits',
	name: 'AI credits',
	type: 'ai_credit_system',
	modelMarkups: {
		'openai/gpt-4o': { markup: 12.5 },
		'acme/own': { inputCost: 0.15, outputCost: 2 },
	},
	defaultMarkup: 20,
	providerMarkups: { mistral: { markup: 15 } },
});

export const free = plan({
	id: 'free',
	name: 'Free',
	autoEnable: true,
	items: [item({ featureId: messages.id, included: 50, reset: { interval: 'month' } })],
});

export const pro = plan({
	id: 'pro',
	name: 'Pro',
	description: 'For teams',
	group: 'main',
	price: { amount: 29.5, interval: 'month' },
	items: [
		item({
			featureId: messages.id,
			included: 1000,
			reset: { interval: 'month' },
			price: {
				amount: 0.02,
				interval: 'month',
				billingUnits: 10,
				billingMethod: 'usage_based',
				maxPurchase: 5000,
			},
			rollover: { max: 500, expiryDurationType: 'month', expiryDurationLength: 2 },
		}),
		item({
			featureId: seats.id,
			included: 2,
			price: { amount: 8, interval: 'month', billingMethod: 'prepaid' },
			proration: { onIncrease: 'prorate', onDecrease: 'no_action' },
		}),
		item({
			featureId: storage.id,
			price: {
				tiers: [
					{ to: 100, amount: 0 },
					{ to: 1000, amount: 0.5 },
					{ to: 'inf', amount: 0.25 },
				],
				tierBehavior: 'graduated',
				interval: 'month',
				billingMethod: 'usage_based',
			},
		}),
		item({ featureId: sso.id }),
		item({ featureId: aiCredits.id, included: 10, reset: { interval: 'month' } }),
	],
	freeTrial: { durationLength: 14, durationType: 'day', cardRequired: true },
});

export const team = plan({
	id: 'team',
	name: 'Team',
	group: 'main',
	price: {
		amount: 990,
		interval: 'year',
		additionalCurrencies: [{ currency: 'eur', amount: 900 }],
	},
	items: [
		item({
			featureId: messages.id,
			entityFeatureId: workspaces.id,
			included: 300,
			reset: { interval: 'week', intervalCount: 2 },
			rollover: { maxPercentage: 50, expiryDurationType: 'forever' },
		}),
		item({
			featureId: seats.id,
			price: {
				tiers: [
					{ to: 10, amount: 9, flatAmount: 5 },
					{ to: 'inf', amount: 7 },
				],
				tierBehavior: 'volume',
				interval: 'year',
				billingMethod: 'prepaid',
			},
		}),
		item({ featureId: workspaces.id, included: 3 }),
		item({ featureId: storage.id, unlimited: true }),
	],
});

export const pack = plan({
	id: 'pack',
	name: 'Credit pack',
	addOn: true,
	items: [
		item({
			featureId: credits.id,
			price: { amount: 10, interval: 'one_off', billingUnits: 100, billingMethod: 'prepaid' },
		}),
	],
});

export const setup = plan({
	id: 'setup',
	name: 'Setup',
	addOn: true,
	price: { amount: 250, interval: 'one_off' },
	items: [item({ featureId: credits.id, included: 40, reset: { interval: 'one_off' } })],
});

export const legacy = plan({
	id: 'legacy',
	name: 'Legacy',
	archived: true,
	price: { amount: 5, interval: 'quarter' },
	items: [],
	billingControls: billingControls({
		spend_limits: [{ feature_id: 'messages', enabled: true, overage_limit: 20 }],
	}),
});

export const sale = reward({
	id: 'sale',
	name: 'Sale',
	type: 'percentage_discount',
	value: 20,
	duration: { type: 'months', length: 3 },
	planIds: ['pro'],
	promoCodes: [{ code: 'SALE', maxRedemptions: 100, firstTimeTransaction: true }],
});

export const welcome = reward({
	id: 'welcome',
	name: 'Welcome',
	type: 'feature_grant',
	grants: [
		{ featureId: 'messages', included: 25, expiry: { type: 'month', length: 1 } },
		{ featureId: 'sso' },
	],
	promoCodes: [{ code: 'HELLO', maxUses: 10 }],
});
