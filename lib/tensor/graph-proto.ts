/**
 * Writes a graph as a SavedModel, with the protobuf message classes that tfjs-node ships.
 * Source: tensorflow/core/protobuf/{saved_model,meta_graph}.proto.   Lesson: none.
 */
import type {Attribute, Constant, Graph, GraphNode} from './graph';

/** The tag under which the only metagraph is stored and loaded. */
export const TAG = 'serve';

/** The graph format that is written: TensorFlow accepts it as long as its own is not far newer. */
const PRODUCER = 1395;

/** The part of google-protobuf's generated classes that is used; they come without types. */
interface Messages {
  readonly SavedModel: new () => {
    setSavedModelSchemaVersion(version: number): void;
    addMetaGraphs(metaGraph: object): void;
    serializeBinary(): Uint8Array;
  };
  readonly MetaGraphDef: (new () => {
    setMetaInfoDef(info: object): void;
    setGraphDef(graph: object): void;
  }) & {readonly MetaInfoDef: new () => {setTagsList(tags: readonly string[]): void}};
  readonly GraphDef: new () => {
    setNodeList(nodes: readonly object[]): void;
    setVersions(version: object): void;
  };
  readonly VersionDef: new () => {setProducer(version: number): void};
  readonly NodeDef: new () => {
    setName(name: string): void;
    setOp(op: string): void;
    setInputList(inputs: readonly string[]): void;
    getAttrMap(): {set(name: string, value: object): void};
  };
  readonly AttrValue: (new () => {
    setType(type: number): void;
    setI(value: number): void;
    setF(value: number): void;
    setB(value: boolean): void;
    setS(value: Uint8Array): void;
    setShape(shape: object): void;
    setTensor(tensor: object): void;
    setList(list: object): void;
  }) & {
    readonly ListValue: new () => {
      setTypeList(types: readonly number[]): void;
      setIList(values: readonly number[]): void;
      setSList(values: readonly Uint8Array[]): void;
    };
  };
  readonly TensorShape: (new () => {addDim(dim: object): void}) & {
    readonly Dim: new () => {setSize(size: number): void};
  };
  readonly Tensor: new () => {
    setDtype(dtype: number): void;
    setTensorShape(shape: object): void;
    setTensorContent(bytes: Uint8Array): void;
  };
}

/** The bytes of saved_model.pb. Only for the native backend, whose package has the classes. */
export function savedModelBytes(graph: Graph): Uint8Array {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- there only with the native backend
  const messages = require('@tensorflow/tfjs-node-gpu/dist/proto/api_pb') as Messages;
  const version = new messages.VersionDef();
  version.setProducer(PRODUCER);
  const graphDef = new messages.GraphDef();
  graphDef.setNodeList(graph.nodes.map(node => nodeMessage(messages, node)));
  graphDef.setVersions(version);
  const info = new messages.MetaGraphDef.MetaInfoDef();
  info.setTagsList([TAG]);
  const metaGraph = new messages.MetaGraphDef();
  metaGraph.setMetaInfoDef(info);
  metaGraph.setGraphDef(graphDef);
  const model = new messages.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(metaGraph);
  return model.serializeBinary();
}

function nodeMessage(messages: Messages, node: GraphNode): object {
  const message = new messages.NodeDef();
  message.setName(node.name);
  message.setOp(node.op);
  message.setInputList(node.inputs);
  const map = message.getAttrMap();
  for (const [name, attribute] of Object.entries(node.attributes)) {
    map.set(name, attributeMessage(messages, attribute));
  }
  return message;
}

function attributeMessage(messages: Messages, attribute: Attribute): object {
  const message = new messages.AttrValue();
  if ('type' in attribute) message.setType(attribute.type);
  else if ('int' in attribute) message.setI(attribute.int);
  else if ('float' in attribute) message.setF(attribute.float);
  else if ('bool' in attribute) message.setB(attribute.bool);
  else if ('text' in attribute) message.setS(Buffer.from(attribute.text));
  else if ('shape' in attribute) message.setShape(shapeMessage(messages, attribute.shape));
  else if ('tensor' in attribute) message.setTensor(tensorMessage(messages, attribute.tensor));
  else {
    const list = new messages.AttrValue.ListValue();
    if ('types' in attribute) list.setTypeList(attribute.types);
    else if ('ints' in attribute) list.setIList(attribute.ints);
    else list.setSList(attribute.texts.map(text => Buffer.from(text)));
    message.setList(list);
  }
  return message;
}

function shapeMessage(messages: Messages, shape: readonly number[]): object {
  const message = new messages.TensorShape();
  for (const size of shape) {
    const dimension = new messages.TensorShape.Dim();
    dimension.setSize(size);
    message.addDim(dimension);
  }
  return message;
}

function tensorMessage(messages: Messages, constant: Constant): object {
  const message = new messages.Tensor();
  message.setDtype(constant.dtype);
  message.setTensorShape(shapeMessage(messages, constant.shape));
  message.setTensorContent(constant.bytes);
  return message;
}
