# Four panels of bars: works side by side, a colour for each system and state. Run by report.py, which says where the
# numbers are (folder), where the picture goes (picture), how many columns there are (series) and of what (heading).
set terminal pngcairo size 2200,1800 font "sans,12"
set output picture
set datafile separator tab
set style data histogram
set style histogram clustered gap 2
set style fill solid 1 noborder
set grid ytics
set logscale y
set format y "%g"
set key outside right top vertical Left reverse noenhanced font "sans,11"
colour(i) = hsv2rgb((i - 2.0) / series, i % 2 ? 0.55 : 0.95, i % 3 ? 0.85 : 0.6)
array panels[4] = ["seconds", "calls", "requests", "peak"]
array titles[4] = ["seconds", "calls of the API (rclone: HTTP requests)", "FUSE requests", \
                   "peak memory of the process, MiB"]
set lmargin at screen 0.04
set rmargin at screen 0.87
set multiplot layout 4,1 title heading
do for [panel=1:4] {
  set title titles[panel]
  set yrange [(panel == 1 ? 0.001 : 0.5):*]
  # The first panel explains the colours of all.
  plot for [i=2:series+1] folder."/".panels[panel] using i:xtic(1) linecolor rgb colour(i) \
    title (panel == 1 ? columnheader(i) : "")
}
unset multiplot
