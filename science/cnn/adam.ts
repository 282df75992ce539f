/**
 * Adam as Keras has it (Kingma & Ba 2015, the form before section 2.1, epsilon outside the bias correction):
 * w −= α · m / (√v + ε), α = rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ), m and v the running means of g and g².
 */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;
