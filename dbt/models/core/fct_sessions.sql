{{ config(materialized='incremental', incremental_strategy='merge', unique_key='session_id') }}
{%- set decided = decided_events() %}

-- A session is computed anew, whole, when one of its events is new, however late: no look-back window decides what is
-- seen.
with events as (

  select
    session_id,
    user_id,
    event_type,
    occurred_at,
    campaign_id,
    _commit_seq,
    row_number() over (partition by session_id order by occurred_at, event_id) as event_number
  from {{ ref('stg_web__events') }}
  {% if is_incremental() %}
  where session_id in {{ touched_keys(
    'session_id', [{'relation': ref('stg_web__events'), 'column': '_events_seq'}],
    decided='select session_id from ' ~ ref('stg_web__events') ~ ' where event_id in (' ~ decided ~ ')'
  ) }}
  {% endif %}

)

select
  session_id,
  min_by(user_id, event_number) as user_id,
  min(occurred_at) as started_at,
  max(occurred_at) as ended_at,
  {{ business_date('min(occurred_at)') }} as session_date,
  count(*) as event_count,
  count(case when event_type = 'view' then 1 end) as product_views,
  count(case when event_type = 'add_to_cart' then 1 end) as carts,
  bool_or(event_type = 'purchase') as has_purchase,
  min_by(campaign_id, event_number) filter (where campaign_id is not null) as campaign_id,
  min_by(event_type, event_number) as landing_event_type,
  max(_commit_seq) as _events_seq
from events
group by session_id
