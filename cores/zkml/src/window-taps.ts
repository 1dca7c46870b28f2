import type { TensorShape, Window } from "./integer-node.js";

/** Height and width of what a window gives, or `undefined` when it does not fit the plane once. */
export function windowOutput(
  shape: TensorShape,
  window: Window,
): readonly [height: number, width: number] | undefined {
  const [top, left, bottom, right] = window.padding;
  const height = Math.floor((shape[1] + top + bottom - window.kernel[0]) / window.stride[0]) + 1;
  const width = Math.floor((shape[2] + left + right - window.kernel[1]) / window.stride[1]) + 1;
  return height < 1 || width < 1 ? undefined : [height, width];
}

/** For each output position (row-major) which cells of the plane lie under which cells of the kernel. */
export interface WindowTaps {
  readonly positions: number;
  /** Position p owns entries `starts[p]` to `starts[p + 1] − 1`. */
  readonly starts: Uint32Array;
  readonly cells: Uint32Array;
  readonly kernelCells: Uint32Array;
}

/** The shape has passed validation. Cost: positions × kernel cells. */
export function windowTaps(shape: TensorShape, window: Window): WindowTaps {
  const [, planeHeight, planeWidth] = shape;
  const [height, width] = windowOutput(shape, window) ?? [0, 0];
  const [kernelHeight, kernelWidth] = window.kernel;
  const starts = new Uint32Array(height * width + 1);
  const cells: number[] = [];
  const kernelCells: number[] = [];
  for (let position = 0; position < height * width; position++) {
    const top = Math.floor(position / width) * window.stride[0] - window.padding[0];
    const left = (position % width) * window.stride[1] - window.padding[1];
    for (let kernelCell = 0; kernelCell < kernelHeight * kernelWidth; kernelCell++) {
      const row = top + Math.floor(kernelCell / kernelWidth);
      const column = left + (kernelCell % kernelWidth);
      if (row < 0 || row >= planeHeight || column < 0 || column >= planeWidth) continue;
      cells.push(row * planeWidth + column);
      kernelCells.push(kernelCell);
    }
    starts[position + 1] = cells.length;
  }
  return {
    positions: height * width,
    starts,
    cells: Uint32Array.from(cells),
    kernelCells: Uint32Array.from(kernelCells),
  };
}
