"""From a model to molecules: the plan, the sampler, the decoding."""
