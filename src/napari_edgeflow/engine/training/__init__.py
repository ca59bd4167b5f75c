"""The one training loop, and a room for each of the two tasks that it trains.

It imports every other room of the engine; nothing in the engine imports it, and the
loop knows neither of the tasks.
"""
