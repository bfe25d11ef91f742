import { useQuery } from "@tanstack/react-query";

import { clientOf, unwrap } from "./client";
import { useEnvironment } from "./environment";

/** Catalogs change rarely; a minute-old one is good enough for names. */
const STALE_MS = 60_000;

export function usePlans() {
  const environment = useEnvironment();
  return useQuery({
    queryKey: [environment, "plans"],
    queryFn: async ({ signal }) => {
      const client = clientOf(environment);
      return (await unwrap(client.POST("/v1/plans.list", { body: { include_archived: true }, signal }))).list;
    },
    staleTime: STALE_MS,
  });
}

export function useFeatures() {
  const environment = useEnvironment();
  return useQuery({
    queryKey: [environment, "features"],
    queryFn: async ({ signal }) => (await unwrap(clientOf(environment).POST("/v1/features.list", { signal }))).list,
    staleTime: STALE_MS,
  });
}

/** Names by plan id; an id whose plan is not known (any more) stands for itself. */
export function usePlanNames(): (planId: string) => string {
  const plans = usePlans();
  const names = new Map(plans.data?.map((plan) => [plan.id, plan.name]));
  return (planId) => names.get(planId) ?? planId;
}

/** Names by feature id; an id whose feature is not known stands for itself. */
export function useFeatureNames(): (featureId: string) => string {
  const features = useFeatures();
  const names = new Map(features.data?.map((feature) => [feature.id, feature.name]));
  return (featureId) => names.get(featureId) ?? featureId;
}
