import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from "react";
import { normalised, paint, SIDE } from "../lib/digit-image.js";
import { sampleDigit } from "../lib/sample-digits.js";

const SIZE = 280;
const CELL = SIZE / SIDE;
const LABELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

interface Props {
  readonly disabled: boolean;
  /** The image as the model will see it, or undefined while nothing is drawn. */
  readonly onChange: (image: Uint8Array | undefined) => void;
}

/** Draw a digit with pointer or keyboard, or pick a handwritten sample. */
export function DigitPad({ disabled, onChange }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<{ x: number; y: number } | undefined>(undefined);
  const [cursor, setCursor] = useState<{ x: number; y: number } | undefined>(undefined);
  const [sample, setSample] = useState<number | undefined>(undefined);

  const pick = useCallback(
    (label: number): void => {
      const image = sampleDigit(label);
      if (canvas.current !== null) paint(canvas.current, image);
      setSample(label);
      onChange(image);
    },
    [onChange],
  );
  useEffect(() => pick(7), [pick]);

  const clear = (): void => {
    const context = canvas.current?.getContext("2d");
    if (context === undefined || context === null) return;
    context.fillStyle = "#000";
    context.fillRect(0, 0, SIZE, SIZE);
    setSample(undefined);
    onChange(undefined);
  };
  const stroke = (to: { x: number; y: number }): void => {
    const context = canvas.current?.getContext("2d");
    if (context === undefined || context === null) return;
    if (sample !== undefined) clear();
    const from = last.current ?? to;
    context.strokeStyle = "#fff";
    context.lineWidth = 22;
    context.lineCap = "round";
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + 0.01);
    context.stroke();
    last.current = to;
  };
  const position = (event: PointerEvent<HTMLCanvasElement>): { x: number; y: number } => {
    const box = event.currentTarget.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * SIZE,
      y: ((event.clientY - box.top) / box.height) * SIZE,
    };
  };
  const finish = (): void => {
    if (last.current === undefined) return;
    last.current = undefined;
    if (canvas.current !== null) onChange(normalised(canvas.current));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const move = moves[event.key];
    const at = cursor ?? { x: SIDE / 2, y: SIDE / 2 };
    if (move !== undefined) {
      const clamp = (value: number): number => Math.min(SIDE - 1, Math.max(0, value));
      const next = { x: clamp(at.x + move[0]), y: clamp(at.y + move[1]) };
      setCursor(next);
      if (event.shiftKey) stroke({ x: (next.x + 0.5) * CELL, y: (next.y + 0.5) * CELL });
    } else if (event.key === " " || event.key === "Enter") {
      stroke({ x: (at.x + 0.5) * CELL, y: (at.y + 0.5) * CELL });
      setCursor(at);
    } else if (event.key === "Delete" || event.key === "Backspace") clear();
    else return;
    event.preventDefault();
  };

  return (
    <div className="digit-pad">
      <div className="canvas-frame">
        <canvas
          ref={canvas}
          width={SIZE}
          height={SIZE}
          tabIndex={disabled ? -1 : 0}
          role="img"
          aria-label={sample === undefined ? "Your drawing" : `A handwritten ${sample}`}
          aria-describedby="pad-help"
          onPointerDown={(event) => {
            if (disabled) return;
            event.currentTarget.setPointerCapture(event.pointerId);
            stroke(position(event));
          }}
          onPointerMove={(event) => {
            if (last.current !== undefined) stroke(position(event));
          }}
          onPointerUp={finish}
          onPointerCancel={finish}
          onKeyDown={(event) => {
            if (!disabled) onKeyDown(event);
          }}
          onKeyUp={finish}
        />
        {cursor === undefined ? null : (
          <span
            className="pad-cursor"
            aria-hidden="true"
            style={{ left: `${(cursor.x / SIDE) * 100}%`, top: `${(cursor.y / SIDE) * 100}%` }}
          />
        )}
      </div>
      <p id="pad-help" className="muted small">
        Draw a digit, or pick one. Keyboard: arrows move, space dots, shift with arrows draws, delete clears.
      </p>
      <fieldset className="samples" aria-label="Handwritten samples">
        {LABELS.map((label) => (
          <button
            key={label}
            type="button"
            className="sample"
            aria-pressed={sample === label}
            disabled={disabled}
            onClick={() => pick(label)}
          >
            {label}
          </button>
        ))}
        <button type="button" className="quiet" disabled={disabled} onClick={clear}>
          Clear
        </button>
      </fieldset>
    </div>
  );
}
