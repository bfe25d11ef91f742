import { Toaster as Sonner } from "sonner";

/** Where short messages appear. */
export function Toaster() {
  return (
    <Sonner
      theme="system"
      position="bottom-right"
      toastOptions={{
        classNames: {
          toast: "bg-raised! text-ink! border-line! font-sans! data-[type=error]:[&_[data-icon]]:text-red",
        },
      }}
    />
  );
}
