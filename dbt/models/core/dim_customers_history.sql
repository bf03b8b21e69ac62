-- Slowly changing dimension, type 2, from the shop's own change stream: the versions are those of the source, however
-- often we looked. Two changes at one instant leave one version (the later entry), a change that changed nothing leaves
-- none, and a closed account keeps its last version, marked closed.
with changes as (

  select
    *,
    {{ person_state() }} as state,
    row_number() over (partition by customer_id, valid_from order by change_id desc) as entry
  from {{ ref('stg_shop__customer_changes') }}

),

compared as (

  select
    *,
    lag(state) over (partition by customer_id order by valid_from) as state_before
  from changes
  where entry = 1

),

versions as (

  select
    *,
    lead(valid_from) over (partition by customer_id order by valid_from) as valid_to
  from compared
  where state_before is null or state_before <> state

)

select
  customer_id,
  valid_from,
  valid_to,
  valid_to is null as is_current,
  change_type,
  first_name,
  last_name,
  email,
  phone,
  street,
  city,
  region,
  postcode,
  country,
  marketing_consent,
  deleted_at,
  deleted_at is not null as is_closed
from versions
