{{ config(
  materialized='incremental', incremental_strategy='merge_or_delete', unique_key='session_id',
  meta={'deleted_when': 'event_count = 0'}
) }}
{%- set decided = decided_events() %}

-- A session is computed anew, whole, when one of its events is new, however late: no look-back window decides what is
-- seen. So is one that an event has left, because it was sent again with another session; without events it is none.
with
{%- if is_incremental() %}

touched as (

  {{ touched_keys(
    'session_id', [{'relation': ref('stg_web__events'), 'column': '_events_seq'}],
    decided='select session_id from ' ~ ref('stg_web__events') ~ ' where event_id in (' ~ decided ~ ')'
  ) }}
  union
  {{ miscounted_keys(
    'session_id', ref('stg_web__events'), 'event_count', ref('stg_web__events'), '_events_seq', decided
  ) }}

),
{%- endif %}

events as (

  select
    session_id,
    user_id,
    event_type,
    occurred_at,
    campaign_id,
    _commit_seq,
    row_number() over (partition by session_id order by occurred_at, event_id) as event_number
  from {{ ref('stg_web__events') }}
  {%- if is_incremental() %}
  where session_id in (select session_id from touched)
  {%- endif %}

),

sessions as (

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

)

select *
from sessions
{%- if is_incremental() %}
union all
select
  held.session_id,
  held.user_id,
  held.started_at,
  held.ended_at,
  held.session_date,
  cast(0 as bigint) as event_count,
  held.product_views,
  held.carts,
  held.has_purchase,
  held.campaign_id,
  held.landing_event_type,
  held._events_seq
from {{ this }} as held
left join sessions on held.session_id = sessions.session_id
where sessions.session_id is null and held.session_id in (select session_id from touched)
{%- endif %}
