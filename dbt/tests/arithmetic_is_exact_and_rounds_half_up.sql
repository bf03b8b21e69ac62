-- ratio() and median() on cases whose answer is known by hand: halves, signs, zero, NULL, thirds, sizes beyond 2^53.
with cases as (
  select
    c.name,
    cast(c.numerator as decimal(18, 2)) as numerator,
    cast(c.denominator as decimal(18, 2)) as denominator,
    cast(c.expected as decimal(18, 2)) as expected
  from (
    values
    ('a half goes up', '0.01', '2', '0.01'),
    ('a negative half goes away from zero', '-0.01', '2', '-0.01'),
    ('a negative denominator too', '0.01', '-2', '-0.01'),
    ('just under a half goes down', '0.29', '200', '0.00'),
    ('a third', '1.00', '3', '0.33'),
    ('two thirds', '2.00', '3', '0.67'),
    ('nothing divided', '0.00', '7', '0.00'),
    ('divided by nothing', '5.00', '0', null),
    ('unknown numerator', null, '7', null),
    ('unknown denominator', '5.00', null, null),
    ('what a double would lose', '9007199254740993.00', '2', '4503599627370496.50'),
    ('half a cent in binary is less than half', '1.00', '8', '0.13')
  ) as c (name, numerator, denominator, expected)
),

divided as (
  select
    name,
    expected,
    {{ ratio('numerator', 'denominator') }} as actual
  from cases
),

middles as (
  select
    m.name,
    cast(m.expected as decimal(18, 3)) as expected,
    {{ median('cast(m.amount as decimal(18, 2))') }} as actual
  from (
    values
    ('odd number', '2.00', '9.00'), ('odd number', '2.00', '1.00'), ('odd number', '2.00', '2.00'),
    ('even number', '1.505', '1.00'), ('even number', '1.505', '2.01'), ('even number', '1.505', null),
    ('no value', null, null)
  ) as m (name, expected, amount)
  group by m.name, m.expected
)

select
  name,
  cast(expected as varchar) as expected,
  cast(actual as varchar) as actual
from divided
where expected is distinct from actual
union all
select
  name,
  cast(expected as varchar) as expected,
  cast(actual as varchar) as actual
from middles
where expected is distinct from cast(actual as decimal(18, 3))
