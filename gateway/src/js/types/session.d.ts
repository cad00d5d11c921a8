// The record behind a key, as scripts see it.

/**
 * The record behind a key, in Tyk's JSON. Zero values are left out, so every field may be missing; `{}` without
 * `use_session` or `require_session`. Times are seconds since 1970. Further fields are kept as they are.
 */
interface TykSession {
  /** Time of the last check of the rate, by Tyk's older limiter. */
  last_check?: number;
  /** Requests left, by Tyk's older limiter. */
  allowance?: number;
  /** Requests for each `per`; 0 is no limit. */
  rate?: number;
  /** Seconds of the rate's window. */
  per?: number;
  /** Seconds between two tries of a request that is over the rate. */
  throttle_interval?: number;
  /** How often such a request is tried again. */
  throttle_retry_limit?: number;
  /** Depth of GraphQL queries; kept, without effect. */
  max_query_depth?: number;
  /** When the key was made, RFC 3339. */
  date_created?: string;
  /** When the key ends; 0 and less is never. */
  expires?: number;
  /** Requests in a quota period; -1 is no quota. */
  quota_max?: number;
  /** When the quota period ends. */
  quota_renews?: number;
  /** Requests left in the quota period. */
  quota_remaining?: number;
  /** Seconds of a quota period. */
  quota_renewal_rate?: number;
  /** What the key may call, by API id. */
  access_rights?: { [apiId: string]: TykAccessRight };
  /** Organisation. */
  org_id?: string;
  /** The key is refused. */
  is_inactive?: boolean;
  /** One policy, the older form of `apply_policies`. */
  apply_policy_id?: string;
  /** Policies whose values take the place of the session's. */
  apply_policies?: string[];
  /** When the record may be removed. */
  data_expires?: number;
  /** For scripts, plugins and header templates: what a script gives back here is stored. Any JSON. */
  meta_data?: any;
  /** Tags, for records. */
  tags?: string[];
  /** Name for people, for records. */
  alias?: string;
  /** Seconds since 1970, as text. */
  last_updated?: string;
  /** Kept, without effect. */
  id_extractor_deadline?: number;
  /** Seconds that the record is kept for; 0 is the API's `session_lifetime`. */
  session_lifetime?: number;
  /** Name of the key, where something outside the record says it. */
  key_id?: string;
  [other: string]: any;
}

/** What a key may call of one API. */
interface TykAccessRight {
  /** Name of the API. */
  api_name?: string;
  /** Id of the API. */
  api_id?: string;
  /** Names of its versions. */
  versions?: string[];
  /** Only these paths and methods, when there are any. */
  allowed_urls?: { url: string; methods: string[] }[];
  /** Limits for this API, in place of the session's: `rate`, `per`, `quota_max` and so on, as in the session. */
  limit?: TykJsonObject;
  /** What the counters of `limit` are kept under. */
  allowance_scope?: string;
  /** GraphQL introspection; kept, without effect. */
  disable_introspection?: boolean;
  /** Rate limits of single endpoints. */
  endpoints?: { path: string; methods: { name: string; limit: TykJsonObject }[] }[];
  [other: string]: any;
}
