import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";

import { clientOf, unwrap } from "./client";
import { customerKey } from "./customers";
import { useEnvironment } from "./environment";

const EVENTS_PER_PAGE = 10;

/** A customer's usage events, newest first, a page at a time; of one feature or of all. */
export function useEvents(customerId: string, featureId: string | undefined) {
  const environment = useEnvironment();
  return useInfiniteQuery({
    queryKey: [...customerKey(environment, customerId), "events", { featureId }],
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        clientOf(environment).POST("/v1/events.list", {
          body: {
            customer_id: customerId,
            start_cursor: pageParam,
            limit: EVENTS_PER_PAGE,
            ...(featureId ? { feature_id: featureId } : {}),
          },
          signal,
        }),
      ),
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}
