-- A job with its leases as one JSON value; null for an unknown job.
CREATE FUNCTION "job_with_leases"(wanted TEXT) RETURNS JSON LANGUAGE sql STABLE AS $$
  SELECT json_build_object(
    'job_id', j."job_id", 'tenant', j."tenant", 'buyer', j."buyer", 'kind', j."kind",
    'verification', j."verification", 'state', j."state", 'created_at_ms', j."created_at_ms",
    'traceparent', j."traceparent", 'terms', j."terms", 'body', j."body",
    'leases', (SELECT coalesce(json_agg(l), '[]'::json) FROM "job_lease" l WHERE l."job_id" = j."job_id"))
  FROM "job" j WHERE j."job_id" = wanted
$$;

-- Two statements inside: one that waited for a lock sees that row as it is now, but everything else as it was before.
CREATE FUNCTION "lock_job"(wanted TEXT) RETURNS JSON LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM "job" WHERE "job_id" = wanted FOR UPDATE;
  RETURN (SELECT "job_with_leases"(wanted));
END
$$;
