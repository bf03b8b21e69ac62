{{ config(
  materialized='incremental',
  incremental_strategy='merge',
  unique_key='event_id',
  properties={'partitioning': "ARRAY['month(occurred_at)']"}
) }}

-- One row per event however often it was delivered: the delivery the collector received first stays, ties by the raw
-- log's own order. A delivery that is believed as it was written goes before one that a person fixed, whichever of the
-- two came first.
with believed as (

  select *
  from {{ ref('base_web__events') }}
  where rule is null and (_commit_seq > {{ watermark() }} or is_decided)

),

deliveries as (

  select
    *,
    row_number() over (
      partition by event_id
      order by case when written_rule is null then 0 else 1 end, received_at, _commit_seq, _sequence
    ) as delivery
  from believed

),

first_deliveries as (

  select deliveries.*
  from deliveries
  {% if is_incremental() %}
  left join {{ this }} as kept on deliveries.event_id = kept.event_id
  {% endif %}
  where
    deliveries.delivery = 1
    {% if is_incremental() %}
    and (kept.event_id is null or deliveries.received_at < kept.received_at or {{ fixed_anew('deliveries', 'kept') }})
    {% endif %}

),

opened as (

  select
    *,
    {{ json_text('context', '$.ip') }} as ip
  from first_deliveries

)

select
  event_id,
  user_id,
  session_id,
  event_type,
  occurred_at,
  received_at,
  {{ business_date('occurred_at') }} as event_date,
  received_at > occurred_at + interval '15' minute as is_late,
  {{ whole_number(json_text('properties', '$.product_id')) }} as product_id,
  {{ dbt.safe_cast(json_text('properties', '$.price'), 'decimal(12, 2)') }} as price,
  {{ whole_number(json_text('properties', '$.campaign_id')) }} as campaign_id,
  {{ whole_number(json_text('properties', '$.order_id')) }} as order_id,
  {{ json_text('properties', '$.experiment') }} as experiment,
  {{ json_text('properties', '$.variant') }} as variant,
  {{ ip_network('ip') }} as ip_network,
  {{ json_text('context', '$.user_agent') }} as user_agent,
  {{ json_text('context', '$.locale') }} as locale,
  _commit_seq
from opened
