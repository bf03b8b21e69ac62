{{ config(materialized='ephemeral', contract={'enforced': false}) }}

-- Every version of every customer as the shop wrote it (source_…) and as we read it.
select
  cast(customer_id as bigint) as customer_id,
  {{ cleaned_person() }},
  marketing_consent,
  deleted_at,
  created_at,
  updated_at,
  _sdc_commit_seq,
  _sdc_sequence,
  _sdc_run_id
from {{ source('raw_shop', 'customers') }}
