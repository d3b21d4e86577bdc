package org.userload.cli;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import org.userload.destination.InterceptorChoice;
import org.userload.dirty.TrackerChoice;
import org.userload.migration.MigrationMode;
import org.userload.migration.OnNonConvergence;
import org.userload.migration.simulation.SimulatedGuest;
import org.userload.pack.Compression;
import org.userload.report.comparison.ComparedMode;
import org.userload.trace.SyntheticTrace;
import org.userload.trace.TraceFormat;
import org.userload.transport.WaitPolicy;
import picocli.AutoComplete.GenerateCompletion;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code userload} command. */
@Command(
        name = "userload",
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        description = {"Post-copy paging: a program moves to another process at once, its memory follows on fault.", ""
        },
        footer = {
            "",
            "Start here:",
            "  userload replay                     move a recorded program between two processes, and check it",
            "  userload compare                    which way of moving is better for a workload",
            "  userload simulate                   how it would go with a guest that is too large to try",
            "  userload doctor                     what this machine offers, and how to get what is missing",
            "",
            "Exit codes: 0 done and verified, 1 failed, 2 wrong usage."
        },
        subcommands = {
            ReplayCommand.class,
            CompareCommand.class,
            SimulateCommand.class,
            ServeCommand.class,
            LoadCommand.class,
            TraceCommand.class,
            DirtyRateCommand.class,
            DoctorCommand.class,
            ReplaySourceCommand.class,
            ReplayUnmovedCommand.class,
            GenerateCompletion.class
        })
public final class Main implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** The version that the build wrote into the jar. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"userload " + (version == null ? "(not from a jar)" : version)};
        }
    }

    /** Runs a command and gives its exit code. */
    static int execute(PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine command = new CommandLine(new Main())
                .registerConverter(InterceptorChoice.class, new ChoiceConverter<>(InterceptorChoice.class))
                .registerConverter(WaitPolicy.class, new ChoiceConverter<>(WaitPolicy.class))
                .registerConverter(OnOff.class, new ChoiceConverter<>(OnOff.class))
                .registerConverter(ComparedMode.class, new ChoiceConverter<>(ComparedMode.class))
                .registerConverter(SyntheticTrace.Pattern.class, new ChoiceConverter<>(SyntheticTrace.Pattern.class))
                .registerConverter(TraceFormat.class, new ChoiceConverter<>(TraceFormat.class))
                .registerConverter(MigrationMode.class, new ChoiceConverter<>(MigrationMode.class))
                .registerConverter(SimulatedGuest.Pattern.class, new ChoiceConverter<>(SimulatedGuest.Pattern.class))
                .registerConverter(SimulatedGuest.Place.class, new ChoiceConverter<>(SimulatedGuest.Place.class))
                .registerConverter(OnNonConvergence.class, new ChoiceConverter<>(OnNonConvergence.class))
                .registerConverter(TrackerChoice.class, new ChoiceConverter<>(TrackerChoice.class))
                .registerConverter(Compression.class, new ChoiceConverter<>(Compression.class))
                .registerConverter(
                        ReplayCommand.SocketKind.class, new ChoiceConverter<>(ReplayCommand.SocketKind.class))
                .setExpandAtFiles(false)
                .setOut(out)
                .setErr(err)
                .setParameterExceptionHandler(Main::explainUsage)
                .setExecutionExceptionHandler(Main::explain);
        CompareCommand.adoptReplayOptions(command);
        return command.execute(arguments);
    }

    private static int explainUsage(ParameterException wrong, String[] ignored) {
        CommandLine command = wrong.getCommandLine();
        command.getErr().println("userload: " + wrong.getMessage());
        command.getErr().println("Try '" + command.getCommandSpec().qualifiedName() + " --help'.");
        return CommandLine.ExitCode.USAGE;
    }

    private static int explain(Exception problem, CommandLine command, CommandLine.ParseResult ignored) {
        if (problem instanceof ParameterException wrong) {
            return explainUsage(wrong, new String[0]);
        }
        command.getErr().println("userload: " + Problems.describe(problem));
        if (Boolean.getBoolean("userload.stacktrace")) {
            problem.printStackTrace(command.getErr());
        }
        command.getErr().flush();
        return 1;
    }

    private static PrintWriter writer(PrintStream stream) {
        return new PrintWriter(stream, true, Charset.defaultCharset());
    }

    /** The entry point of the executable jar. */
    public static void main(String[] arguments) {
        System.setProperty("java.util.logging.SimpleFormatter.format", "%4$s: %5$s%n");
        int code = execute(writer(System.out), writer(System.err), arguments);
        System.exit(code);
    }
}
