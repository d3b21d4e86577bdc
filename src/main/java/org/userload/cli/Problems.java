package org.userload.cli;

import java.io.FileNotFoundException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;

/** Turns exceptions into one line for people. */
final class Problems {
    private Problems() {}

    static String describe(Throwable problem) {
        Throwable cause = root(problem);
        if (cause instanceof NoSuchFileException missing) {
            return missing.getFile() + ": no such file";
        }
        if (cause instanceof AccessDeniedException denied) {
            return denied.getFile() + ": permission denied";
        }
        if (cause instanceof FileNotFoundException || cause.getMessage() != null) {
            return String.valueOf(cause.getMessage());
        }
        return cause.toString();
    }

    /** The exception that futures have wrapped. */
    static Throwable root(Throwable problem) {
        Throwable cause = problem;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }
}
