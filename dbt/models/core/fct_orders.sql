{{ config(
  materialized='incremental', incremental_strategy='merge', unique_key='order_id',
  properties={'partitioning': "ARRAY['month(order_date)']"}
) }}

-- An order's place among its customer's orders depends on all of them, so a touched order touches its customer, and a
-- touched customer all of his orders: also those of the customer an order belonged to before. A refund that was booked
-- on another order before is told by the sum that order holds.
with refunds as (

  select
    order_id,
    sum(amount) as refunded_amount,
    max(_commit_seq) as _refunds_seq
  from {{ ref('stg_shop__refunds') }}
  group by order_id

),

touched as (

  {{ touched_keys('order_id', [
    {'relation': ref('stg_shop__orders'), 'column': '_orders_seq'},
    {'relation': ref('stg_shop__order_items'), 'column': '_order_items_seq'},
    {'relation': ref('stg_shop__refunds'), 'column': '_refunds_seq'},
  ], decided=decided_orders()) }}
  {%- if is_incremental() %}
  union
  select held.order_id
  from {{ this }} as held
  left join refunds on held.order_id = refunds.order_id
  where held.refunded_amount <> coalesce(refunds.refunded_amount, 0)
  {%- endif %}

),

orders as (

  select *
  from {{ ref('stg_shop__orders') }}
  {%- if is_incremental() %}
  where
    customer_id in (
      select customer_id
      from {{ ref('stg_shop__orders') }}
      where order_id in (select order_id from touched)
      union
      select customer_id
      from {{ this }}
      where order_id in (select order_id from touched)
    )
  {%- endif %}

),

lines as (

  select
    order_id,
    count(*) as item_count,
    sum(quantity) as units,
    sum(sales_value) as revenue,
    sum(retail_disc) as retail_disc,
    sum(coupon_disc) as coupon_disc,
    sum(coupon_match_disc) as coupon_match_disc,
    max(_commit_seq) as _order_items_seq
  from {{ ref('stg_shop__order_items') }}
  {%- if is_incremental() %}
  where order_id in (select order_id from orders)
  {%- endif %}
  group by order_id

),

numbered as (

  select
    *,
    row_number() over (partition by customer_id order by placed_at, order_id) as customer_order_number
  from orders

),

computed as (

  select
    numbered.order_id,
    numbered.customer_id,
    numbered.store_id,
    numbered.placed_at,
    {{ business_date('numbered.placed_at') }} as order_date,
    numbered.status,
    numbered.payment_method,
    coalesce(lines.item_count, 0) as item_count,
    coalesce(lines.units, 0) as units,
    cast(coalesce(lines.revenue, 0) as decimal(18, 2)) as revenue,
    cast(coalesce(lines.retail_disc, 0) as decimal(18, 2)) as retail_disc,
    cast(coalesce(lines.coupon_disc, 0) as decimal(18, 2)) as coupon_disc,
    cast(coalesce(lines.coupon_match_disc, 0) as decimal(18, 2)) as coupon_match_disc,
    cast(coalesce(refunds.refunded_amount, 0) as decimal(18, 2)) as refunded_amount,
    numbered.customer_order_number,
    numbered.customer_order_number > 1 as is_returning_customer,
    numbered._commit_seq as _orders_seq,
    coalesce(lines._order_items_seq, 0) as _order_items_seq,
    coalesce(refunds._refunds_seq, 0) as _refunds_seq
  from numbered
  left join lines on numbered.order_id = lines.order_id
  left join refunds on numbered.order_id = refunds.order_id

)

{{ only_changed('computed') }}
