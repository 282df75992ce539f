/**
 * Adam as Keras has it (Kingma & Ba 2015, the form before section 2.1, epsilon outside the bias correction):
 * m += (1 − β₁)(g − m), v += (1 − β₂)(g² − v), w −= rate · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε).
 */
export const ADAM = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** β₁ᵗ and β₂ᵗ of step t, from β rounded to float32 as in Keras: 1 − β₂ᵗ is small enough for that to be seen. */
export function betaPowers(step: number): { first: number; second: number } {
  return { first: Math.fround(ADAM.beta1) ** step, second: Math.fround(ADAM.beta2) ** step };
}

const scale1 = (1 - Math.fround(ADAM.beta1)) / (1 - ADAM.beta1);
const scale2 = (1 - Math.fround(ADAM.beta2)) / (1 - ADAM.beta2);
/**
 * TensorFlow's kernel forms 1 − β from the rounded β, where Keras rounds 1 − β: its m and v are larger by these factors
 * (by 2e-7, −1e-5), which a rate and an epsilon changed likewise take out of the weights.
 */
export const ADAM_KERNEL = {
  rateFactor: Math.sqrt(scale2) / scale1,
  epsilon: ADAM.epsilon * Math.sqrt(scale2),
} as const;
