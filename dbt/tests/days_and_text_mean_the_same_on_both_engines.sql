-- Every dispatched macro of days, instants, text and JSON on a case whose answer is known by hand.
select
  answers.name,
  answers.actual,
  answers.expected
from (
  values
  ('a month after the 31st', cast({{ add_months("date '2017-01-31'", 1) }} as varchar), '2017-02-28'),
  ('a day before', cast({{ add_days("date '2017-03-01'", -1) }} as varchar), '2017-02-28'),
  ('the last day of a leap month', cast({{ last_day_of_month("date '2016-02-10'") }} as varchar), '2016-02-29'),
  (
    'days between',
    cast({{ days_between("timestamp '2017-01-01 23:59:59'", "timestamp '2017-01-02 00:00:00'") }} as varchar),
    '1'
  ),
  ('months between', cast({{ months_between("date '2016-12-31'", "date '2017-02-01'") }} as varchar), '2'),
  (
    'milliseconds of the clock',
    cast({{ milliseconds_between(
      "timestamp '2017-01-01 00:00:00.000900'", "timestamp '2017-01-01 00:00:00.001800'"
    ) }} as varchar),
    '1'
  ),
  ('Sunday is 7', cast({{ iso_weekday("date '2017-01-01'") }} as varchar), '7'),
  (
    'an instant with a zone',
    cast(cast({{ instant_from_text("'2017-12-15T00:05:11.123+01:00'") }} as date) as varchar),
    '2017-12-14'
  ),
  ('an instant that is none', cast({{ instant_from_text("'yesterday'") }} as varchar), null),
  (
    'the business day east of Greenwich',
    cast({{ adapter.dispatch('date_in_zone')("timestamp '2017-12-14 23:30:00'", 'Europe/Vienna') }} as varchar),
    '2017-12-15'
  ),
  ('every match replaced', {{ replace_matches("'(555) 010-1234'", '[^0-9]', '') }}, '5550101234'),
  ('the first match', {{ first_match("'2017-12-15/13.jsonl:7'", '[0-9]{4}-[0-9]{2}-[0-9]{2}') }}, '2017-12-15'),
  ('no match', {{ first_match("'demographics.csv'", '[0-9]+') }}, null),
  ('blanks that do not break', {{ tidy_text("chr(160) || 'a b' || chr(160)") }}, 'a b'),
  ('tabs and lines around it', {{ tidy_text("chr(9) || 'Ann' || chr(10)") }}, 'Ann'),
  ('wide blanks around it', {{ tidy_text("chr(8195) || chr(133) || 'Ann' || chr(160)") }}, 'Ann'),
  ('nothing but blanks', {{ tidy_text("' ' || chr(9) || chr(8195)") }}, null),
  (
    'an e-mail with wide blanks',
    {{ cleaned_email("'a@' || chr(8195) || 'b.' || chr(133) || 'de' || chr(160)") }},
    'a@b.de'
  ),
  (
    'a street with wide blanks',
    {{ cleaned_street("'12' || chr(8195) || chr(9) || 'Oak' || chr(160) || 'St'") }},
    '12 Oak Street'
  ),
  ('a whole number', cast({{ whole_number("' +12 '") }} as varchar), '12'),
  ('a number below nothing', cast({{ whole_number("'-12'") }} as varchar), '-12'),
  ('no whole number: a point', cast({{ whole_number("'12.0'") }} as varchar), null),
  ('no whole number: an exponent', cast({{ whole_number("'1e3'") }} as varchar), null),
  ('no whole number: hexadecimal', cast({{ whole_number("'0x10'") }} as varchar), null),
  ('no whole number: too long', cast({{ whole_number("'9223372036854775808'") }} as varchar), null),
  ('a field of JSON', {{ json_text("'{\"product_id\": 12, \"price\": null}'", '$.product_id') }}, '12'),
  ('a null field of JSON', {{ json_text("'{\"product_id\": 12, \"price\": null}'", '$.price') }}, null),
  ('a record as JSON', {{ json_record({'b': "'x'", 'a': '1'}) }}, '{"a":"1","b":"x"}')

  -- Trino takes no subquery inside VALUES
  union all
  select
    'every day of a series, both ends' as name,
    cast(count(*) as varchar) as actual,
    '3' as expected
  from unnest({{ date_series("date '2017-02-27'", "date '2017-03-01'") }}) as t (d)

  union all
  select
    'every month of a series' as name,
    cast(max(t.d) as varchar) as actual,
    '2017-03-01' as expected
  from unnest({{ date_series("date '2017-01-01'", "date '2017-03-01'", 'month') }}) as t (d)

  union all
  select
    'values joined' as name,
    {{ joined_values('v.x') }} as actual,
    'a, b' as expected
  from (values ('b'), ('a'), ('b')) as v (x)
) as answers (name, actual, expected)
where answers.actual is distinct from answers.expected
