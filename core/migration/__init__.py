"""Live migration: plan, preflight, forecast, policies, monitor, run, adopt, drain, recover."""
