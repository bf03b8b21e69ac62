-- A missing income is the one most households have (ties by text), a missing household size the median one (the lower
-- of two); both are flagged.
with latest as (

  {{ latest_version(source('raw_crm', 'demographics'), 'household_id') }}

),

typed as (

  select
    {{ whole_number('household_id') }} as customer_id,
    {{ tidy_text('age') }} as age_group,
    {{ tidy_text('income') }} as income_group,
    {{ tidy_text('home_ownership') }} as home_ownership,
    {{ tidy_text('marital_status') }} as marital_status,
    {{ tidy_text('household_size') }} as household_size,
    {{ tidy_text('household_comp') }} as household_composition,
    {{ tidy_text('kids_count') }} as kids_count,
    _sdc_commit_seq as _commit_seq
  from latest

),

incomes as (

  select
    income_group,
    row_number() over (order by count(*) desc, income_group asc) as place
  from typed
  where income_group is not null
  group by income_group

),

sizes as (

  select array_sort(array_agg(household_size))[{{ integer_divide('count(*) + 1', '2') }}] as middle
  from typed
  where household_size is not null

)

select
  typed.customer_id,
  typed.age_group,
  coalesce(typed.income_group, incomes.income_group) as income_group,
  typed.home_ownership,
  typed.marital_status,
  coalesce(typed.household_size, sizes.middle) as household_size,
  typed.household_composition,
  typed.kids_count,
  typed.income_group is null as is_income_imputed,
  typed.household_size is null as is_household_size_imputed,
  typed._commit_seq
from typed
cross join sizes
left join incomes on incomes.place = 1
where typed.customer_id is not null
