{{ config(
  materialized='incremental', incremental_strategy='merge_or_delete', unique_key=['minute', 'event_type'],
  meta={'deleted_when': 'events = 0'}
) }}
{%- set decided = decided_events() %}

-- Windows of event time: an event counts in the minute it happened in, and a late one restates that minute. One that
-- is read otherwise later, because somebody fixed it or the collector sent it again, restates the minute it leaves as
-- well; what is left there with no event is taken away.
with events as (

  select
    date_trunc('minute', occurred_at) as minute,
    event_type,
    event_id,
    user_id,
    is_late,
    _commit_seq
  from {{ ref('stg_web__events') }}

),

{%- if is_incremental() %}

touched as (

  {{ touched_keys(
    'minute', [{'relation': 'events', 'column': '_events_seq'}],
    decided='select minute from events where event_id in (' ~ decided ~ ')'
  ) }}
  union
  {{ miscounted_keys('minute', 'events', 'events', ref('stg_web__events'), '_events_seq', decided) }}

),
{%- endif %}

counted as (

  select
    minute,
    event_type,
    count(*) as events,
    count(distinct user_id) as users,
    count(case when is_late then 1 end) as late_events,
    max(_commit_seq) as _events_seq
  from events
  {%- if is_incremental() %}
  where minute in (select minute from touched)
  {%- endif %}
  group by minute, event_type

)

select *
from counted
{%- if is_incremental() %}
union all
select
  held.minute,
  held.event_type,
  cast(0 as bigint) as events,
  cast(0 as bigint) as users,
  cast(0 as bigint) as late_events,
  held._events_seq
from {{ this }} as held
left join counted on held.minute = counted.minute and held.event_type = counted.event_type
where counted.minute is null and held.minute in (select minute from touched)
{%- endif %}
