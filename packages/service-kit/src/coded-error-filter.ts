import { Catch, type ExceptionFilter } from "@nestjs/common";
import { type Observable, throwError } from "rxjs";

/** Hands errors of handlers to the transport unchanged; the transport maps them by `error-mapping`. */
@Catch()
export class PassErrorsToTransport implements ExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}
