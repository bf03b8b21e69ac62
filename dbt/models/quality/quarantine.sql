-- One row per record and rule: the last bad version of it. A record is resolved once the source has sent a version of
-- it that is believed; fixed, released or dismissed once somebody has decided so.
with orders as (

  select
    'shop' as source_system,
    'orders' as source_table,
    cast(bad.order_id as varchar) as record_key,
    bad.customer_id,
    bad.written_rule as rule,
    {{ json_record({
      'order_id': 'bad.order_id', 'customer_id': 'bad.written_customer_id', 'store_id': 'bad.store_id',
      'placed_at': 'bad.written_placed_at', 'status': 'bad.status', 'payment_method': 'bad.payment_method',
      'currency': 'bad.written_currency', 'total_amount': 'bad.total_amount', 'created_at': 'bad.created_at',
      'updated_at': 'bad.updated_at'
    }) }} as raw_record,
    bad.total_amount as amount,
    {{ business_date('bad.updated_at') }} as recorded_on,
    bad._sdc_run_id as run_id,
    bad._sdc_commit_seq as _commit_seq,
    {{ decided_status('coalesce(good._commit_seq > bad._sdc_commit_seq, false)') }} as status
  from (
    {{ latest_version(
      ref('base_shop__orders'), ['order_id', 'written_rule'], accepted='r.written_rule is not null'
    ) }}
  ) as bad
  left join {{ ref('stg_shop__orders') }} as good on bad.order_id = good.order_id

),

order_items as (

  select
    'shop' as source_system,
    'order_items' as source_table,
    cast(bad.order_id as varchar) || '-' || cast(bad.product_id as varchar) as record_key,
    orders.customer_id,
    bad.written_rule as rule,
    {{ json_record({
      'order_id': 'bad.order_id', 'product_id': 'bad.product_id', 'quantity': 'bad.written_quantity',
      'sales_value': 'bad.written_sales_value', 'retail_disc': 'bad.retail_disc', 'coupon_disc': 'bad.coupon_disc',
      'coupon_match_disc': 'bad.coupon_match_disc', 'created_at': 'bad.created_at', 'updated_at': 'bad.updated_at'
    }) }} as raw_record,
    bad.written_sales_value as amount,
    {{ business_date('bad.updated_at') }} as recorded_on,
    bad._sdc_run_id as run_id,
    bad._sdc_commit_seq as _commit_seq,
    {{ decided_status('coalesce(good._commit_seq > bad._sdc_commit_seq, false)') }} as status
  from (
    {{ latest_version(
      ref('base_shop__order_items'), ['order_id', 'product_id', 'written_rule'], accepted='r.written_rule is not null'
    ) }}
  ) as bad
  left join {{ ref('stg_shop__orders') }} as orders on bad.order_id = orders.order_id
  left join {{ ref('stg_shop__order_items') }} as good
    on bad.order_id = good.order_id and bad.product_id = good.product_id

),

prices as (

  select
    'catalog' as source_system,
    'prices' as source_table,
    cast(bad.price_id as varchar) as record_key,
    cast(null as bigint) as customer_id,
    bad.written_rule as rule,
    {{ json_record({
      'price_id': 'bad.price_id', 'product_id': 'bad.product_id', 'price': 'bad.written_price',
      'cost_price': 'bad.cost_price', 'valid_from': 'bad.valid_from', 'created_at': 'bad.created_at',
      'updated_at': 'bad.updated_at'
    }) }} as raw_record,
    cast(0 as decimal(12, 2)) as amount,
    {{ business_date('bad.updated_at') }} as recorded_on,
    bad._sdc_run_id as run_id,
    bad._sdc_commit_seq as _commit_seq,
    {{ decided_status('false') }} as status
  from {{ ref('base_catalog__prices') }} as bad
  where bad.written_rule is not null

),

-- an event that was delivered again is held once, and resolved when one of its deliveries is believed as it came; one
-- without an id goes by its line
events as (

  select
    'web' as source_system,
    'events' as source_table,
    bad.record_key,
    bad.user_id as customer_id,
    bad.written_rule as rule,
    {{ json_record({
      'event_id': 'bad.event_id', 'user_id': 'bad.written_user_id', 'session_id': 'bad.session_id',
      'event_type': 'bad.event_type', 'occurred_at': 'bad.written_occurred_at', 'received_at': 'bad.received_at',
      'properties': 'bad.properties', 'context': 'bad.context', 'source_file': 'bad.source_file',
      'source_line': 'bad.source_line'
    }) }} as raw_record,
    cast(0 as decimal(12, 2)) as amount,
    {{ business_date('bad.received_at') }} as recorded_on,
    bad.run_id,
    bad._commit_seq,
    {{ decided_status(
      'good.event_id is not null and (not bad.is_decided or good._commit_seq > bad._commit_seq)'
    ) }} as status
  from (
    select
      *,
      coalesce(event_id, source_file || ':' || cast(source_line as varchar)) as record_key,
      row_number() over (
        partition by coalesce(event_id, source_file || ':' || cast(source_line as varchar)), written_rule
        order by _commit_seq, _sequence
      ) as delivery
    from {{ ref('base_web__events') }}
    where written_rule is not null
  ) as bad
  left join {{ ref('stg_web__events') }} as good on bad.event_id = good.event_id
  where bad.delivery = 1

),

set_aside as (

  select * from orders
  union all
  select * from order_items
  union all
  select * from prices
  union all
  select * from events

)

select
  set_aside.source_system,
  set_aside.source_table,
  set_aside.record_key,
  set_aside.customer_id,
  set_aside.rule,
  rules.dimension,
  rules.severity,
  rules.meaning as reason,
  set_aside.raw_record,
  set_aside.amount,
  set_aside.recorded_on,
  set_aside.run_id,
  set_aside._commit_seq,
  set_aside.status
from set_aside
left join {{ ref('quality_rules') }} as rules
  on
    set_aside.source_system = rules.source_system and set_aside.source_table = rules.source_table
    and set_aside.rule = rules.rule
