-- Every dispatched macro of days, instants, text and JSON on a case whose answer is known by hand.
with answers as (
  select 'a month after the 31st' as name, cast({{ add_months("date '2017-01-31'", 1) }} as varchar) as actual, '2017-02-28' as expected
  union all
  select 'a day before', cast({{ add_days("date '2017-03-01'", -1) }} as varchar), '2017-02-28'
  union all
  select 'the last day of a leap month', cast({{ last_day_of_month("date '2016-02-10'") }} as varchar), '2016-02-29'
  union all
  select 'days between', cast({{ days_between("timestamp '2017-01-01 23:59:59'", "timestamp '2017-01-02 00:00:00'") }} as varchar), '1'
  union all
  select 'months between', cast({{ months_between("date '2016-12-31'", "date '2017-02-01'") }} as varchar), '2'
  union all
  select
    'elapsed time, not boundaries crossed',
    cast({{ milliseconds_between("timestamp '2017-01-01 00:00:00.000900'", "timestamp '2017-01-01 00:00:00.001800'") }} as varchar),
    '0'
  union all
  select 'Sunday is 7', cast({{ iso_weekday("date '2017-01-01'") }} as varchar), '7'
  union all
  select
    'every day of a series, both ends',
    (select cast(count(*) as varchar) from unnest({{ date_series("date '2017-02-27'", "date '2017-03-01'") }}) as t (d)),
    '3'
  union all
  select
    'every month of a series',
    (select cast(max(t.d) as varchar) from unnest({{ date_series("date '2017-01-01'", "date '2017-03-01'", 'month') }}) as t (d)),
    '2017-03-01'
  union all
  select 'an instant with a zone', cast(cast({{ instant_from_text("'2017-12-15T14:05:11.123+01:00'") }} as date) as varchar), '2017-12-15'
  union all
  select 'an instant that is none', cast({{ instant_from_text("'yesterday'") }} as varchar), null
  union all
  select 'every match replaced', {{ replace_matches("'(555) 010-1234'", '[^0-9]', '') }}, '5550101234'
  union all
  select 'the first match', {{ first_match("'2017-12-15/13.jsonl:7'", '[0-9]{4}-[0-9]{2}-[0-9]{2}') }}, '2017-12-15'
  union all
  select 'no match', {{ first_match("'demographics.csv'", '[0-9]+') }}, null
  union all
  select 'a field of JSON', {{ json_text("'{\"product_id\": 12, \"price\": null}'", '$.product_id') }}, '12'
  union all
  select 'a null field of JSON', {{ json_text("'{\"product_id\": 12, \"price\": null}'", '$.price') }}, null
  union all
  select 'text that is no number', cast({{ dbt.safe_cast("'x'", 'bigint') }} as varchar), null
  union all
  select 'values joined', {{ joined_values('v.x') }}, 'a, b'
  from (values ('b'), ('a'), ('b')) as v (x)
)

select *
from answers
where actual is distinct from expected
