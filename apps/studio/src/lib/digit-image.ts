/** Side of a digit image, in pixels. */
export const SIDE = 28;
/** The strokes of the training digits fill a box of this side, centred by mass. */
const BOX = 20;

/** Brightness of every pixel of a canvas, row by row. */
export function brightness(context: CanvasRenderingContext2D, width: number, height: number): Uint8Array {
  const { data } = context.getImageData(0, 0, width, height);
  return Uint8Array.from({ length: width * height }, (_, index) => data[index * 4] ?? 0);
}

interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box around everything drawn; undefined for an empty drawing. */
export function boundsOf(pixels: Uint8Array, width: number): Bounds | undefined {
  let [left, right, top, bottom] = [width, -1, Number.POSITIVE_INFINITY, -1];
  pixels.forEach((value, index) => {
    if (value < 32) return;
    const [x, y] = [index % width, Math.floor(index / width)];
    [left, right, top, bottom] = [
      Math.min(left, x),
      Math.max(right, x),
      Math.min(top, y),
      Math.max(bottom, y),
    ];
  });
  return right < 0 ? undefined : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/** A drawing as the model was trained: scaled into 20 × 20, centred by mass in 28 × 28. Undefined for an empty one. */
export function normalised(drawing: HTMLCanvasElement): Uint8Array | undefined {
  const source = drawing.getContext("2d");
  if (source === null) return undefined;
  const bounds = boundsOf(brightness(source, drawing.width, drawing.height), drawing.width);
  if (bounds === undefined) return undefined;
  const scale = BOX / Math.max(bounds.width, bounds.height);
  const [width, height] = [bounds.width * scale, bounds.height * scale];
  const draw = (x: number, y: number): Uint8Array => {
    const canvas = document.createElement("canvas");
    canvas.width = SIDE;
    canvas.height = SIDE;
    const context = canvas.getContext("2d");
    if (context === null) return new Uint8Array(SIDE * SIDE);
    context.imageSmoothingQuality = "high";
    context.drawImage(drawing, bounds.left, bounds.top, bounds.width, bounds.height, x, y, width, height);
    return brightness(context, SIDE, SIDE);
  };
  const centred = draw((SIDE - width) / 2, (SIDE - height) / 2);
  let [mass, massX, massY] = [0, 0, 0];
  centred.forEach((value, index) => {
    mass += value;
    massX += value * (index % SIDE);
    massY += value * Math.floor(index / SIDE);
  });
  if (mass === 0) return undefined;
  const shift = (moment: number): number => SIDE / 2 - 0.5 - moment / mass;
  return draw((SIDE - width) / 2 + shift(massX), (SIDE - height) / 2 + shift(massY));
}

/** Paints an image of 28 × 28 bytes over the whole canvas. */
export function paint(canvas: HTMLCanvasElement, image: Uint8Array): void {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const small = document.createElement("canvas");
  small.width = SIDE;
  small.height = SIDE;
  const pixels = new ImageData(SIDE, SIDE);
  image.forEach((value, index) => {
    pixels.data.set([value, value, value, 255], index * 4);
  });
  small.getContext("2d")?.putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}
