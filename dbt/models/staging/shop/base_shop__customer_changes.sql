{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- Every entry of the shop's own history of its customers, as the shop wrote it (source_…) and as we read it.
select
  change_id,
  cast(customer_id as bigint) as customer_id,
  {{ cleaned_person() }},
  marketing_consent,
  deleted_at,
  valid_from,
  change_type,
  created_at,
  updated_at,
  _sdc_commit_seq,
  _sdc_sequence,
  _sdc_run_id
from {{ source('raw_shop', 'customer_changes') }}
