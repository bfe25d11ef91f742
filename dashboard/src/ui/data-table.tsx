import { flexRender, type Row, type Table as TableModel } from "@tanstack/react-table";
import { Fragment, type MouseEvent, type ReactNode } from "react";

import { cn } from "./cn";
import { Skeleton } from "./skeleton";

declare module "@tanstack/react-table" {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions, @typescript-eslint/no-unused-vars -- merges with the library's own
  interface ColumnMeta<TData, TValue> {
    /** Of the column's head and cells: width, alignment, where it is hidden. */
    className?: string;
    /** How wide the placeholder is while loading. */
    skeleton?: string;
  }
}

type DataTableProps<T> = {
  table: TableModel<T>;
  /** Of what these are rows. */
  label: string;
  /** Shows that many placeholder rows instead of the rows. */
  skeletonRows?: number | undefined;
  /** The rows shown are from before; newer ones are on the way. */
  stale?: boolean;
  rowClassName?: string;
  /** What unfolds below a row. */
  renderDetail?: (row: T) => ReactNode;
};

/** A table: real rows and cells, column-shaped placeholders, and details that unfold. */
export function DataTable<T>({
  table,
  label,
  skeletonRows,
  stale = false,
  rowClassName,
  renderDetail,
}: DataTableProps<T>) {
  const columns = table.getVisibleLeafColumns();
  return (
    <table
      aria-label={label}
      aria-busy={stale || skeletonRows !== undefined}
      className="w-full border-separate border-spacing-0 text-left"
    >
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            {group.headers.map((header) => (
              <th
                key={header.id}
                scope="col"
                className={cn(
                  "h-8 border-b bg-sunken px-2 text-xs font-medium whitespace-nowrap text-muted first:pl-4 last:pr-4",
                  header.column.columnDef.meta?.className,
                )}
              >
                {flexRender(header.column.columnDef.header, header.getContext())}
              </th>
            ))}
          </tr>
        ))}
      </thead>
      <tbody className={cn("transition-opacity", stale && "opacity-55")}>
        {skeletonRows === undefined
          ? table
              .getRowModel()
              .rows.map((row) => (
                <DataRow key={row.id} row={row} className={rowClassName} renderDetail={renderDetail} />
              ))
          : Array.from({ length: skeletonRows }, (_, index) => (
              <tr key={index}>
                {columns.map((column) => (
                  <td key={column.id} className={cn(CELL, column.columnDef.meta?.className)}>
                    <Skeleton className={column.columnDef.meta?.skeleton ?? "w-16"} />
                  </td>
                ))}
              </tr>
            ))}
      </tbody>
    </table>
  );
}

const CELL = "h-11 border-b px-2 py-1.5 first:pl-4 last:pr-4 group-last/row:border-b-0";

type DataRowProps<T> = {
  row: Row<T>;
  className: string | undefined;
  renderDetail: ((row: T) => ReactNode) | undefined;
};

function DataRow<T>({ row, className, renderDetail }: DataRowProps<T>) {
  const unfolds = renderDetail !== undefined && row.getCanExpand();
  const open = unfolds && row.getIsExpanded();
  // A mouse may click anywhere on the row; the button or link in it serves everyone else.
  const act = (event: MouseEvent<HTMLTableRowElement>) => {
    const target = event.target as Element;
    if (target.closest("a, button") !== null || getSelection()?.isCollapsed === false) return;
    if (unfolds) row.toggleExpanded();
    // Passed on with its modifier keys, so that a new tab is still a new tab.
    else
      event.currentTarget
        .querySelector("[data-row-link]")
        ?.dispatchEvent(new globalThis.MouseEvent("click", event.nativeEvent));
  };
  return (
    <Fragment>
      {}
      <tr
        className={cn(
          "group/row relative has-[[data-row-link]]:cursor-pointer",
          unfolds && "cursor-pointer hover:bg-hover",
          open && "bg-hover",
          className,
        )}
        onClick={act}
      >
        {row.getVisibleCells().map((cell) => (
          <td key={cell.id} className={cn(CELL, open && "border-b-transparent", cell.column.columnDef.meta?.className)}>
            {flexRender(cell.column.columnDef.cell, cell.getContext())}
          </td>
        ))}
      </tr>
      {open && (
        <tr className="group/row">
          <td
            colSpan={row.getVisibleCells().length}
            className="border-b bg-hover px-4 pt-1 pb-4 group-last/row:border-b-0"
          >
            {renderDetail(row.original)}
          </td>
        </tr>
      )}
    </Fragment>
  );
}
