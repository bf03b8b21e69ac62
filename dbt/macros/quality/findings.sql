{#- Money of a stream of the shop that belongs to an order, held against the order, in the columns of quality.findings:
    `orphan_rule` for an order that nobody knows, `amount_rule` where all amounts of the order together are `wrong` (an
    operator) against what its lines come to. Reads the CTEs orders and totals of that model. -#}
{% macro money_beside_its_order(source_table, key, orphan_rule, amount_rule, wrong) -%}
  select
    'shop' as source_system,
    '{{ source_table }}' as source_table,
    cast(money.{{ key }} as varchar) as record_key,
    cast(null as bigint) as customer_id,
    case when orders.order_id is null then '{{ orphan_rule }}' else '{{ amount_rule }}' end as rule,
    case when orders.order_id is null then 'order_id' else 'amount' end as field,
    case when orders.order_id is null then cast(money.order_id as varchar) else cast(money.amount as varchar) end
      as value,
    money._commit_seq
  from (
    select
      *,
      sum(amount) over (partition by order_id) as amount_of_order
    from {{ ref('stg_shop__' ~ source_table) }}
  ) as money
  left join orders on money.order_id = orders.order_id
  left join totals on money.order_id = totals.order_id
  where orders.order_id is null or money.amount_of_order {{ wrong }} totals.revenue
{%- endmacro %}
