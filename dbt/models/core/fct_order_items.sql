{{ config(
  materialized='incremental', incremental_strategy='merge', unique_key=['order_id', 'product_id'],
  properties={'partitioning': "ARRAY['month(order_date)']"}
) }}

-- A line counts once its order is known: whichever of the two arrives later touches the order, and all its lines are
-- computed anew.
with touched as (

  {{ touched_keys('order_id', [
    {'relation': ref('stg_shop__orders'), 'column': '_orders_seq'},
    {'relation': ref('stg_shop__order_items'), 'column': '_order_items_seq'},
  ], decided=decided_orders()) }}

),

computed as (

  select
    items.order_id,
    items.product_id,
    orders.customer_id,
    orders.store_id,
    {{ business_date('orders.placed_at') }} as order_date,
    items.quantity,
    items.sales_value,
    items.retail_disc,
    items.coupon_disc,
    items.coupon_match_disc,
    orders._commit_seq as _orders_seq,
    items._commit_seq as _order_items_seq
  from {{ ref('stg_shop__order_items') }} as items
  inner join {{ ref('stg_shop__orders') }} as orders on items.order_id = orders.order_id
  {%- if is_incremental() %}
  where items.order_id in (select order_id from touched)
  {%- endif %}

)

{{ only_changed('computed') }}
