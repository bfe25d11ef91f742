"""Pure rules of balances: what they sum up to, who may, and which grant pays."""
