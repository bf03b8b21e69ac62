with lines as (

  select
    items.order_date,
    products.department,
    items.order_id,
    items.customer_id,
    items.sales_value
  from {{ ref('fct_order_items') }} as items
  inner join {{ ref('dim_products') }} as products on items.product_id = products.product_id

),

sales as (

  select
    order_date,
    department,
    sum(sales_value) as daily_revenue,
    count(distinct customer_id) as unique_customers,
    count(distinct order_id) as orders
  from lines
  group by order_date, department

),

-- every department that has ever sold, on every day: a day without a sale is a fact too
grain as (

  select
    days.date_day,
    departments.department
  from {{ business_days() }} as days
  cross join (select distinct department from sales) as departments

)

select
  grain.date_day as sale_date,
  grain.department,
  coalesce(sales.daily_revenue, 0) as daily_revenue,
  coalesce(sales.unique_customers, 0) as unique_customers,
  {{ ratio('sales.daily_revenue', 'sales.orders') }} as avg_transaction_value
from grain
left join sales on grain.date_day = sales.order_date and grain.department = sales.department
