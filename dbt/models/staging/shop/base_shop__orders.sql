{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- The one place that says which orders are believed. `rule` names the first rule a version of an order breaks, null
-- when it keeps them all: staging takes the versions without a rule, the quarantine takes the others. "Future" is told
-- by the shop's own clock, the row's updated_at. What people decided about an order is obeyed here; written_rule is the
-- rule without that.
with written as (

  select
    order_id,
    cast(customer_id as bigint) as written_customer_id,
    currency as written_currency,
    placed_at as written_placed_at,
    store_id,
    status,
    payment_method,
    total_amount,
    created_at,
    updated_at,
    _sdc_commit_seq,
    _sdc_sequence,
    _sdc_run_id,
    case
      when customer_id is null then 'customer_id_present'
      when currency is null or currency not in ({{ iso_4217() }}) then 'currency_in_iso_4217'
      when {{ in_another_currency('currency') }} then 'currency_is_the_companys'
      when placed_at > updated_at + interval '5' minute then 'placed_at_not_in_the_future'
    end as written_rule
  from {{ source('raw_shop', 'orders') }}

),

read_so as (

  select
    written.*,
    {{ fixed('customer_id', 'written.written_customer_id', 'bigint') }} as customer_id,
    {{ fixed('currency', 'written.written_currency', 'varchar') }} as currency,
    {{ fixed('placed_at', 'written.written_placed_at', 'timestamp(6)') }} as placed_at,
    d.released_rules,
    d.dismissed_rules,
    f.rule is not null as is_fixed,
    d.record_key is not null as is_decided
  from written
  left join {{ decisions_on('shop', 'orders') }} as d on written.order_id = {{ key_part('d', 1) }}
  left join {{ fixes_on('shop', 'orders') }} as f
    on written.order_id = {{ key_part('f', 1) }} and written.written_rule = f.rule

)

select
  d.*,
  case
    when d.customer_id is null then 'customer_id_present'
    when (d.currency is null or d.currency not in ({{ iso_4217() }})) and not {{ released('currency_in_iso_4217') }}
      then 'currency_in_iso_4217'
    when {{ in_another_currency('d.currency') }} then 'currency_is_the_companys'
    when d.placed_at > d.updated_at + interval '5' minute then 'placed_at_not_in_the_future'
  end as rule
from read_so as d
