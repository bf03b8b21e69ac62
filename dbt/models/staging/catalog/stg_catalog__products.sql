-- A missing department is the one most products of the same type have (ties by name), and is flagged.
with latest as (

  {{ latest_version(source('raw_catalog', 'products'), 'product_id') }}

),

counted as (

  select
    product_type,
    department,
    count(*) as products
  from latest
  where department <> '' and product_type <> ''
  group by product_type, department

),

usual as (

  select
    product_type,
    department,
    row_number() over (partition by product_type order by products desc, department asc) as place
  from counted

)

select
  latest.product_id,
  latest.manufacturer_id,
  coalesce(nullif(latest.department, ''), usual.department, 'UNKNOWN') as department,
  latest.brand,
  latest.product_category,
  latest.product_type,
  latest.package_size,
  nullif(latest.department, '') is null as is_department_imputed,
  latest.created_at,
  latest.updated_at,
  latest._sdc_commit_seq as _commit_seq
from latest
left join usual on latest.product_type = usual.product_type and usual.place = 1
