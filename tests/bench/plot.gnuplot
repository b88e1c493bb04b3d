# Four panels of bars: works side by side, a colour for each system and state. Run by report.py, which says where the
# numbers are (folder), where the picture goes (picture), how many columns there are (series) and of what (heading).
set terminal pngcairo size 2000,1600 font "sans,11"
set output picture
set datafile separator tab
set datafile missing "?"
set style data histogram
set style histogram clustered gap 1
set style fill solid 0.8 noborder
set boxwidth 1
set grid ytics
set logscale y
set xtics rotate by -25
set key outside right top vertical maxrows 30 noenhanced font "sans,9"
unset mouse
set multiplot layout 4,1 title heading
set title "seconds"
plot for [i=2:series+1] folder."/seconds" using i:xtic(1) linecolor i-1 title columnheader(i)
set title "calls of the API, or HTTP requests"
set yrange [0.5:*]
plot for [i=2:series+1] folder."/calls" using i:xtic(1) linecolor i-1 title columnheader(i)
set title "FUSE requests"
plot for [i=2:series+1] folder."/requests" using i:xtic(1) linecolor i-1 title columnheader(i)
set title "peak memory of the process, MiB"
set yrange [1:*]
plot for [i=2:series+1] folder."/peak" using i:xtic(1) linecolor i-1 title columnheader(i)
unset multiplot
