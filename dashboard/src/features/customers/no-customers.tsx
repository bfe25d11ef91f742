import { Users } from "lucide-react";

import { Code } from "@/ui/code";
import { Nothing } from "@/ui/notice";

/** What the list shows before there is anyone: how to create the first customer. */
export function NoCustomers() {
  const call = `curl ${location.origin}/v1/customers.get_or_create \\
  -H "Authorization: Bearer $SUMAC_SECRET_KEY" \\
  -H "x-api-version: 2.3.0" \\
  -d '{"customer_id": "acme", "name": "Acme", "email": "ap@acme.example"}'`;
  return (
    <Nothing
      icon={<Users aria-hidden />}
      title="No customers yet"
      action={
        <div className="w-full max-w-2xl min-w-0">
          <Code text={call} label="the call that creates a customer" />
        </div>
      }
      className="py-16"
    >
      Your app creates them with one call, when somebody signs up. They appear here at once.
    </Nothing>
  );
}
