select
  price_id,
  product_id,
  price,
  cost_price,
  valid_from,
  created_at,
  updated_at,
  _sdc_commit_seq as _commit_seq
from {{ ref('base_catalog__prices') }}
where rule is null
