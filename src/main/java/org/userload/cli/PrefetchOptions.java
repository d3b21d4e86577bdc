package org.userload.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.prefetch.PrefetchPolicy;
import org.userload.destination.prefetch.PrefetchStatistics;
import org.userload.destination.prefetch.WorkingSet;
import org.userload.destination.prefetch.WorkingSetFile;
import org.userload.report.OutputFile;
import org.userload.report.PrefetchFigures;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** What comes before it is touched. */
final class PrefetchOptions {
    private static final Logger LOG = LoggerFactory.getLogger(PrefetchOptions.class);

    @Spec(Spec.Target.MIXEE)
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Option(
            names = "--prefetch",
            paramLabel = "POLICY",
            defaultValue = "bubbling",
            converter = PolicyConverter.class,
            description = {
                "What comes before it is touched: none, fixed[:N], adaptive, bubbling. Default: ${DEFAULT-VALUE}.",
                "bubbling has the stream go on around the latest faults; fixed also asks for N pages behind each fault"
                        + " (32 unless given), adaptive for what scans will touch next."
            })
    private PrefetchPolicy policy = PrefetchPolicy.BUBBLING;

    @Option(
            names = "--stream",
            paramLabel = "on|off",
            defaultValue = "on",
            description = "Whether the rest of the memory comes behind while the program runs, or only after its end."
                    + " Default: ${DEFAULT-VALUE}.")
    private OnOff stream = OnOff.ON;

    @Option(
            names = "--working-set",
            paramLabel = "FILE",
            description = "Have the pages come first that were recorded with --record-working-set, in that order.")
    private @Nullable Path workingSet;

    @Option(
            names = "--record-working-set",
            paramLabel = "FILE",
            description =
                    "Write down which pages are touched, in order. The rest of the memory comes after the end of the"
                            + " program then.")
    private @Nullable Path recordTo;

    private @Nullable OutputFile recording;

    /** {@code none}, {@code fixed}, {@code fixed:64}, {@code adaptive}, {@code bubbling}. */
    static final class PolicyConverter implements ITypeConverter<PrefetchPolicy> {
        private static final Pattern FORM = Pattern.compile("(none|adaptive|bubbling|fixed)(?::(\\d{1,9}))?");

        @Override
        public PrefetchPolicy convert(String text) {
            Matcher matcher = FORM.matcher(text.toLowerCase(Locale.ROOT));
            String pages = matcher.matches() ? matcher.group(2) : null;
            if (!matcher.matches() || (pages != null && !matcher.group(1).equals("fixed"))) {
                throw new TypeConversionException(
                        "'" + text + "' is not a policy; write none, fixed, fixed:64, adaptive or bubbling");
            }
            try {
                return switch (matcher.group(1)) {
                    case "none" -> PrefetchPolicy.NONE;
                    case "adaptive" -> PrefetchPolicy.ADAPTIVE;
                    case "bubbling" -> PrefetchPolicy.BUBBLING;
                    default ->
                        PrefetchPolicy.fixed(
                                pages == null ? PrefetchPolicy.DEFAULT_WINDOW_PAGES : Integer.parseInt(pages));
                };
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /**
     * Refuses options that contradict each other, and a file that cannot be written.
     *
     * @param mayRecord whether a working set can be recorded here
     * @param whyNot why not, and what to do
     */
    void check(boolean mayRecord, String whyNot) throws IOException {
        if (recordTo == null) {
            return;
        }
        if (!mayRecord) {
            throw new ParameterException(spec.commandLine(), "--record-working-set: " + whyNot);
        }
        if (workingSet != null) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--record-working-set sees faults, and with --working-set there are few; give one of the two");
        }
        recording = OutputFile.check(recordTo);
    }

    /** The configuration with what was asked for. */
    DestinationConfig into(DestinationConfig config) throws IOException {
        boolean records = recordTo != null;
        return config.withPrefetch(records ? PrefetchPolicy.NONE : policy)
                .withBackgroundStream(stream.isOn() && !records)
                .withRecordsWorkingSet(records)
                .withWorkingSet(read());
    }

    private @Nullable WorkingSet read() throws IOException {
        Path file = workingSet;
        if (file == null) {
            return null;
        }
        if (!Files.exists(file)) {
            throw new IOException("cannot read " + file + ": no such file; write one with --record-working-set");
        }
        try {
            return WorkingSetFile.read(file);
        } catch (WorkingSetFile.DamagedException e) {
            LOG.warn("the recorded working set is ignored: {}", e.getMessage());
            return null;
        }
    }

    /** The program has ended: writes what it touched, if that was asked for. */
    void writeRecorded(Destination destination) throws IOException {
        if (recording != null) {
            recording.write(WorkingSetFile.encode(destination.recordedWorkingSet()));
        }
    }

    /** @param touched pages that the program touched here; null when that is not known */
    PrefetchFigures figures(PrefetchStatistics statistics, Destination destination, @Nullable BitSet touched) {
        String name = policy.kind().name().toLowerCase(Locale.ROOT);
        return PrefetchFigures.of(
                recordTo != null ? "none" : policy.windowPages() > 0 ? name + ":" + policy.windowPages() : name,
                stream.isOn() && recordTo == null,
                statistics,
                touched,
                page -> destination.wasPreferred(0, page));
    }
}
