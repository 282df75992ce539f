import { bytesField, encoded, floatField, mapField, message, varintField, type Message } from './protobuf.ts';

/** Types of tensors by their numbers in TensorFlow's types.proto. */
export const DATA_TYPES = { float32: 1, int32: 3, bool: 10, resource: 20 } as const;
export type DataType = keyof typeof DATA_TYPES;

/** An attribute of a node, as attr_value.proto has them. */
export type Attribute =
  | { readonly type: DataType }
  | { readonly shape: readonly number[] }
  | { readonly ints: readonly number[] }
  | { readonly int: number }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly int32s: { readonly shape: readonly number[]; readonly values: readonly number[] } }
  | { readonly float32: number };

/** An output of a node: `name`, or `name:1` for its second. */
export type Output = string;

/** What a caller feeds or fetches: tensors by the names of the signature. */
export interface Signature {
  readonly inputs: Readonly<Record<string, Port>>;
  readonly outputs: Readonly<Record<string, Port>>;
}
export interface Port {
  readonly output: Output;
  readonly type: DataType;
  /** -1 where any size will do. */
  readonly shape: readonly number[];
}

/** The graph.proto format of TensorFlow 2.9 (GRAPH_DEF version), which every later version reads. */
const PRODUCER_VERSION = 1087;

/** Collects the nodes of a TensorFlow graph. */
export class GraphBuilder {
  readonly #nodes: Message[] = [];
  readonly #names = new Set<string>();
  readonly #constants = new Map<string, Output>();

  /**
   * Adds a node.
   * @param op a TensorFlow operation, e.g. `MatMul`
   * @param inputs outputs of other nodes; those that begin with `^` only have to run before
   * @param name made unique by a number where it is taken
   * @returns the node's name, which is its first output, too
   */
  node(
    op: string,
    inputs: readonly Output[],
    attributes: Readonly<Record<string, Attribute>> = {},
    name = op,
  ): Output {
    let unique = name;
    for (let i = 1; this.#names.has(unique); i++) unique = `${name}_${i}`;
    this.#names.add(unique);
    this.#nodes.push(
      message(
        bytesField(1, unique),
        bytesField(2, op),
        ...inputs.map((input) => bytesField(3, input)),
        ...Object.entries(attributes).map(([key, value]) => mapField(5, key, attributeValue(value))),
      ),
    );
    return unique;
  }

  /** A node whose output the caller feeds. @param shape -1 where any size will do */
  placeholder(name: string, type: DataType, shape: readonly number[]): Port {
    return { output: this.node('Placeholder', [], { dtype: { type }, shape: { shape } }, name), type, shape };
  }

  /** A constant of whole numbers; equal ones share a node. */
  int32s(values: readonly number[], shape: readonly number[] = [values.length]): Output {
    return this.#constant(`int32s ${shape.join()} ${values.join()}`, 'int32', { int32s: { shape, values } });
  }

  /** A scalar constant; equal ones share a node. */
  float32(value: number): Output {
    return this.#constant(`float32 ${value}`, 'float32', { float32: value });
  }

  #constant(key: string, type: DataType, value: Attribute): Output {
    const made = this.#constants.get(key) ?? this.node('Const', [], { dtype: { type }, value });
    this.#constants.set(key, made);
    return made;
  }

  /** The graph as the bytes of a `saved_model.pb`, with tag `serve` and without a folder of variables. */
  savedModel(signatures: Readonly<Record<string, Signature>>): Uint8Array {
    const versions = message(varintField(1, PRODUCER_VERSION), varintField(2, 12));
    const graph = message(...this.#nodes.map((node) => bytesField(1, node)), bytesField(4, versions));
    const ports = (field: number, named: Readonly<Record<string, Port>>): Message[] =>
      Object.entries(named).map(([name, port]) => mapField(field, name, tensorInfo(port)));
    const metaGraph = message(
      bytesField(1, bytesField(4, 'serve')),
      bytesField(2, graph),
      ...Object.entries(signatures).map(([name, { inputs, outputs }]) =>
        mapField(
          5,
          name,
          message(...ports(1, inputs), ...ports(2, outputs), bytesField(3, 'tensorflow/serving/predict')),
        ),
      ),
    );
    return encoded(message(varintField(1, 1), bytesField(2, metaGraph)));
  }
}

function tensorInfo({ output, type, shape }: Port): Message {
  const name = output.includes(':') ? output : `${output}:0`;
  return message(bytesField(1, name), varintField(2, DATA_TYPES[type]), bytesField(3, shapeMessage(shape)));
}

function shapeMessage(shape: readonly number[]): Message {
  return message(...shape.map((size) => bytesField(2, varintField(1, size))));
}

function attributeValue(value: Attribute): Message {
  if ('type' in value) return varintField(6, DATA_TYPES[value.type]);
  if ('shape' in value) return bytesField(7, shapeMessage(value.shape));
  if ('ints' in value) return bytesField(1, message(...value.ints.map((one) => varintField(3, one))));
  if ('int' in value) return varintField(3, value.int);
  if ('float' in value) return floatField(4, value.float);
  if ('bool' in value) return varintField(5, value.bool);
  if ('string' in value) return bytesField(2, value.string);
  if ('int32s' in value) return bytesField(8, int32Tensor(value.int32s));
  return bytesField(
    8,
    message(varintField(1, DATA_TYPES.float32), bytesField(2, []), floatField(5, value.float32)),
  );
}

function int32Tensor({ shape, values }: { shape: readonly number[]; values: readonly number[] }): Message {
  return message(
    varintField(1, DATA_TYPES.int32),
    bytesField(2, shapeMessage(shape)),
    ...values.map((value) => varintField(7, value)),
  );
}
